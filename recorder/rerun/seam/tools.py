"""Tools, answered from the recording without their bodies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, Final

from crewai.events.event_context import get_current_parent_id
from crewai.tools.base_tool import BaseTool
from crewai.tools.structured_tool import CrewStructuredTool
from crewai.tools.tool_failure import ToolFailure
from crewai.utilities.serialization import to_serializable

from recorder.rerun.seam.answers import ServedText, end_of, output_of, unfinished
from recorder.rerun.seam.context import ACTIVE
from recorder.rerun.seam.patches import Wrap
from recorder.rerun.seam.servers import emit_server_events
from recorder.rerun.serving import LiveTool, Serving
from recorder.rerun.stop import RunStopped

METHODS: Final = ("run", "arun", "format_output_for_agent")
STRUCTURED_METHODS: Final = ("invoke", "ainvoke", "format_output_for_agent")

_RUNTIMES_OWN: Final = ("crewai.tools.agent_tools.", "crewai.tools.cache_tools.", "crewai.skills.")
"""Modules of tools that are a part of CrewAI: they ask other agents, or read what CrewAI has in memory."""


def serving_tools(name: str) -> Wrap:
    """Return what makes the stand-in for a method of a `BaseTool`."""
    return {"run": _serving_run, "arun": _serving_arun}.get(name, _keeping_served)


def serving_structured(name: str) -> Wrap:
    """Return what makes the stand-in for a method of a `CrewStructuredTool`."""
    return {"invoke": _serving_invoke, "ainvoke": _serving_ainvoke}.get(name, _keeping_served)


def _serving_run(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def run(tool: BaseTool, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  a tool's
        asked = _asked(tool)
        return original(tool, *args, **kwargs) if asked is None else _run(*asked, tool, args, kwargs)

    return run


def _serving_arun(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def arun(tool: BaseTool, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  a tool's
        asked = _asked(tool)
        return await original(tool, *args, **kwargs) if asked is None else _run(*asked, tool, args, kwargs)

    return arun


def _serving_invoke(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def invoke(tool: CrewStructuredTool, input: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, A002  CrewAI's
        asked = _asked(tool)
        if asked is None or tool.has_reached_max_usage_count():
            return original(tool, input, *args, **kwargs)
        return _invoke(*asked, tool, input)

    return invoke


def _serving_ainvoke(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def ainvoke(tool: CrewStructuredTool, input: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401, A002  as above
        asked = _asked(tool)
        if asked is None or tool.has_reached_max_usage_count():
            return await original(tool, input, *args, **kwargs)
        return _invoke(*asked, tool, input)

    return ainvoke


def _keeping_served(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def format_output(tool: Any, raw_result: Any) -> Any:  # noqa: ANN401  a tool's
        return raw_result if isinstance(raw_result, ServedText) else original(tool, raw_result)

    return format_output


def keeping_format(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the stand-in for `ToolUsage._remember_format`, which adds to each third result how to ask."""

    @wraps(original)
    def remember(usage: Any, result: Any) -> Any:  # noqa: ANN401  CrewAI's
        return result if isinstance(result, ServedText) else original(usage, result)

    return remember


def serving_models_tools(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the stand-in for `BaseLLM._handle_tool_execution`, by which a model runs functions itself."""

    @wraps(original)
    def handle(llm: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  BaseLLM's
        serving = ACTIVE.get()
        functions = kwargs.get("available_functions")
        if serving is not None and functions:
            if serving.serves("tool"):
                functions = {name: partial(_call, serving, function) for name, function in functions.items()}
            else:
                serving.count_live()
            kwargs["available_functions"] = functions
        return original(llm, *args, **kwargs)

    return handle


def serving_hooks(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the stand-in for `run_after_tool_call_hooks`: a recorded result has been through the hooks."""

    @wraps(original)
    def run_hooks(context: Any) -> Any:  # noqa: ANN401  CrewAI's
        modified = original(context)
        serving = ACTIVE.get()
        tool = None if serving is None else serving.tool_under(get_current_parent_id())
        if tool is None or tool.call is None or tool.runs:
            return modified
        output = output_of(tool.call)
        return modified if output is None else str(output)

    return run_hooks


def _asked(tool: BaseTool | CrewStructuredTool) -> tuple[Serving, LiveTool] | None:
    """Return the call that a tool is asked for if its body is not to run.

    A tool that the program asks by itself leaves no frames, and so there is nothing to serve it from.
    """
    serving = ACTIVE.get()
    if serving is None:
        return None
    own = type(getattr(tool, "_original_tool", None) or tool).__module__.startswith(_RUNTIMES_OWN)
    if not serving.serves("tool"):
        if not own:
            serving.count_live()
        return None
    call = serving.tool_under(get_current_parent_id())
    if call is None or call.runs:
        return None
    if call.error is not None:
        raise RunStopped(call.error)
    if call.call is None:
        serving.count_live()
        call.runs = True
    elif own or call.name.tool in serving.served.run_tools:
        call.runs = True
    return None if call.runs else (serving, call)


def _run(
    serving: Serving, call: LiveTool, tool: BaseTool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:  # noqa: ANN401  a tool's
    if not args:
        serving.check_arguments(call, _as_frame(kwargs), whole=True)
        tool._validate_kwargs(kwargs)
    limit = tool._claim_usage()
    return _result(serving, call, tool) if limit is None else limit


def _invoke(serving: Serving, call: LiveTool, tool: CrewStructuredTool, given: Any) -> Any:  # noqa: ANN401  a tool's
    if isinstance(given, Mapping):
        serving.check_arguments(call, _as_frame(given), whole=False)
    tool._parse_args(given)
    tool._increment_usage_count()
    return _result(serving, call, tool)


def _call(serving: Serving, function: Callable[..., Any], **kwargs: Any) -> Any:  # noqa: ANN401  a function's
    call = serving.tool_under(get_current_parent_id())
    if call is None:
        return function(**kwargs)
    if call.error is not None:
        raise RunStopped(call.error)
    if call.call is None or call.name.tool in serving.served.run_tools:
        call.runs = True
        serving.count_live()
        return function(**kwargs)
    result = _result(serving, call, function)
    return str(result) if isinstance(result, ServedText) else result


def _result(serving: Serving, call: LiveTool, source: object) -> Any:  # noqa: ANN401  a tool's
    recorded = call.call
    if recorded is None:
        raise AssertionError("only calls that were found are answered")
    end = end_of(recorded)
    if end is None:
        raise serving.stop(unfinished(recorded))
    serving.pass_over(recorded)
    emit_server_events(source, recorded)
    if end.type == "tool_usage_error":
        raise serving.served.failures.of_tool(recorded)
    failure = end.data.get("failure")
    return ToolFailure(**failure) if isinstance(failure, dict) else output_of(recorded)


def _as_frame(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return arguments as a frame has them, in which they are as deep as here."""
    shown: Any = to_serializable([{"tool_args": dict(arguments)}])
    found: Mapping[str, Any] = shown[0]["tool_args"]
    return found
