"""The one folder of the recorder that knows CrewAI: what stands in for its functions during a re-execution.

Put in place for as long as any re-execution is under way; in all other contexts each does as the original.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Final

import crewai.agents.agent_executor
import crewai.flow.runtime
import crewai.hooks.tool_hooks
import crewai.llms.base_llm
import crewai.task
import crewai.tools.tool_usage
import crewai.utilities.streaming
import crewai.utilities.tool_utils
from crewai.events.stream_context import add_stream_sink, reset_stream_sinks
from crewai.llms.base_llm import BaseLLM
from crewai.tools.base_tool import BaseTool
from crewai.tools.structured_tool import CrewStructuredTool

from otelstream.errors import RerunError
from recorder.rerun.seam import keys, models, refusals, strays, tools, workers
from recorder.rerun.seam.context import ACTIVE
from recorder.rerun.seam.patches import Patches, Wrap
from recorder.rerun.seam.watching import sink_of
from recorder.rerun.serving import Serving

_FUNCTIONS: Final[tuple[tuple[type | ModuleType, str, Wrap], ...]] = (
    (crewai.llms.base_llm, "create_frame_generator", workers.raising_in_streams),
    (crewai.flow.runtime, "create_frame_generator", workers.raising_in_streams),
    (crewai.utilities.streaming, "create_frame_generator", workers.raising_in_streams),
    (crewai.flow.runtime, "create_async_frame_generator", workers.raising_in_async_streams),
    (crewai.utilities.streaming, "threading", workers.ending_threads),
    (crewai.task.Task, "_execute_task_async", workers.ending_tasks),
    (crewai.hooks.tool_hooks, "run_after_tool_call_hooks", tools.serving_hooks),
    (crewai.utilities.tool_utils, "run_after_tool_call_hooks", tools.serving_hooks),
    (crewai.agents.agent_executor, "run_after_tool_call_hooks", tools.serving_hooks),
    (crewai.tools.tool_usage.ToolUsage, "_remember_format", tools.keeping_format),
    (BaseLLM, "__init__", keys.with_dummy_key),
    (threading.Thread, "start", strays.remembering),
)
"""Where a function of CrewAI's, or a module, is looked up, its name, and what makes its stand-in."""

_NEEDED: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (
        BaseLLM,
        (
            "_effective_max_tokens",
            "_effective_stream",
            "_emit_call_denied_event",
            "_format_messages",
            "_invoke_after_llm_call_hooks",
            "_invoke_before_llm_call_hooks",
            "_track_token_usage_internal",
        ),
    ),
    (BaseTool, ("_claim_usage", "_validate_kwargs")),
    (CrewStructuredTool, ("_increment_usage_count", "_parse_args", "has_reached_max_usage_count")),
)
"""What is called besides, of what no version promises that it stays."""

_lock: Final = threading.Lock()
_patches: Final = Patches()
_users: Final[list[Serving]] = []


@contextmanager
def active(serving: Serving) -> Iterator[None]:
    """Let the calls of the current context, and of those copied from it, be answered by a re-execution."""
    with _lock:
        if not _users:
            _put()
        _users.append(serving)
    token = ACTIVE.set(serving)
    sinks = add_stream_sink(sink_of(serving))
    try:
        yield
    finally:
        serving.closed = True
        with suppress(ValueError):  # left in another context than it was entered in, as fixtures may be
            reset_stream_sinks(sinks)
        with suppress(ValueError):
            ACTIVE.reset(token)
        with _lock:
            _users.remove(serving)
            # After a stop, or where a stream was left, threads may go on that would ask models for real.
            if not _users and serving.error is None and not serving.is_under_way:
                _patches.undo()


def _put() -> None:
    _patches.undo()  # what a stopped run left
    try:
        _put_all()
    except (AttributeError, KeyError) as error:
        _patches.undo()
        raise RerunError(
            f"CrewAI {crewai.__version__} has other functions than a rerun stands in for ({error});"
            " use a version of otelstream that knows it."
        ) from error


def _put_all() -> None:
    for base, names in _NEEDED:
        for name in names:
            getattr(base, name)
    for owner, name, wrap in _FUNCTIONS:
        _patches.put(owner, name, wrap)
    _patches.put_in_family(BaseLLM, (*models.METHODS, *_OF_MODELS), _model_wrap)
    _patches.put_in_family(BaseTool, tools.METHODS, tools.serving_tools)
    _patches.put_in_family(CrewStructuredTool, tools.STRUCTURED_METHODS, tools.serving_structured)
    for module_name, class_name, names, what in refusals.ROWS:
        _put_refusals(module_name, class_name, names, refusals.refusing(what))


_OF_MODELS: Final = {
    "_handle_tool_execution": tools.serving_models_tools,
    "get_input_tokens_count": keys.estimating,
}


def _model_wrap(name: str) -> Wrap:
    return _OF_MODELS.get(name) or models.serving_calls(name)


def _put_refusals(module_name: str, class_name: str, names: tuple[str, ...], wrap: Wrap) -> None:
    if module_name not in sys.modules:
        try:
            importlib.import_module(module_name)
        except ImportError:  # an extra of CrewAI's that is not installed cannot be used either
            return
    module = sys.modules[module_name]
    owner: type | ModuleType = vars(module)[class_name] if class_name else module
    for name in names:
        _patches.put(owner, name, wrap)
