"""`frame.data` to span attributes: one small function per kind of span.

Values of an unexpected type are left out, never guessed; prompts, answers and tool arguments are content
and do not appear here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from otelstream.span import names, rules
from otelstream.span.model import AttributeValue, SpanError

Data: TypeAlias = Mapping[str, Any]
Found: TypeAlias = dict[str, AttributeValue | None]

_EXCEPTION_REPR: Final = re.compile(r"([A-Za-z_][\w.]*)\(")
_CLASS_REPR: Final = re.compile(r"<class '([\w.<>]+)'>")
_QUALIFIED: Final = re.compile(r"[A-Za-z_][\w.:]*")
_INT64: Final = range(-(2**63), 2**63)


def at_start(kind: rules.Kind, data: Data) -> dict[str, AttributeValue]:
    """Return the attributes that a frame of that kind supplies when it opens its span."""
    return _present(_AT_START[kind.id](data))


def at_end(kind: rules.Kind, data: Data) -> dict[str, AttributeValue]:
    """Return the attributes that a frame of that kind supplies when it closes its span."""
    return _present(_AT_END.get(kind.id, _nothing)(data))


def error_of(data: Data) -> SpanError:
    """Return why a frame says that its span failed.

    `error.type` is the exception's class where the runtime gives one: `error_type` of task frames and the
    `repr` of tool frames. Other frames have the text alone, and get the convention's `_OTHER`.
    """
    message = text(data.get("error")) or "failed"
    declared = text(data.get("error_type")) or ""
    match = _CLASS_REPR.fullmatch(declared) or (
        _EXCEPTION_REPR.match(message) if "tool_name" in data else None
    )
    if match:
        return SpanError(match[1], message)
    return SpanError(declared if _QUALIFIED.fullmatch(declared) else names.ERROR_TYPE_OTHER, message)


def text(value: object) -> str | None:
    """Return a non-empty string that OTLP can carry, otherwise None."""
    if not isinstance(value, str) or not value:
        return None
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def number(value: object) -> int | float | None:
    """Return a number that OTLP can carry (64 bits), otherwise None; a bool is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, float) or value in _INT64 else None


def flag(value: object) -> bool | None:
    """Return a bool, otherwise None."""
    return value if isinstance(value, bool) else None


def mapping(value: object) -> Data:
    """Return a mapping, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def _present(found: Found) -> dict[str, AttributeValue]:
    return {key: value for key, value in found.items() if value is not None}


def _nothing(_: Data) -> Found:
    return {}


def _flow(data: Data) -> Found:
    name = text(data.get("flow_name"))
    return {
        names.OPERATION_NAME: names.INVOKE_WORKFLOW,
        names.WORKFLOW_NAME: name,
        names.FLOW_NAME: name,
    }


def _flow_end(data: Data) -> Found:
    return {
        names.FLOW_ID: text(mapping(data.get("state")).get("id")) or text(data.get("flow_id")),
        names.PAUSED: True if "flow_id" in data else None,
    }


def _method(data: Data) -> Found:
    return {
        names.FLOW_NAME: text(data.get("flow_name")),
        names.METHOD_NAME: text(data.get("method_name")),
    }


def _turn(data: Data) -> Found:
    return {
        names.CONVERSATION_ID: text(data.get("session_id")),
        names.FLOW_NAME: text(data.get("flow_name")),
    }


def _crew(data: Data) -> Found:
    name = text(data.get("crew_name"))
    return {
        names.OPERATION_NAME: names.INVOKE_WORKFLOW,
        names.WORKFLOW_NAME: name,
        names.CREW_NAME: name,
    }


def _crew_end(data: Data) -> Found:
    return {names.CREW_TOTAL_TOKENS: number(data.get("total_tokens"))}


def _task(data: Data) -> Found:
    task = mapping(data.get("task"))
    # `task_name` of an unnamed task is its whole description; only `task.name` says what a person chose.
    return {
        names.TASK_NAME: text(task.get("name")),
        names.TASK_ID: text(data.get("task_id")) or text(task.get("id")),
    }


def _agent(data: Data) -> Found:
    # `agent_execution_*` hold a dump of the agent, `lite_agent_execution_*` a smaller `agent_info`.
    agent = mapping(data.get("agent")) or mapping(data.get("agent_info"))
    role = text(agent.get("role"))
    return {
        names.OPERATION_NAME: names.INVOKE_AGENT,
        names.AGENT_NAME: role,
        names.AGENT_ID: text(agent.get("id")),
        names.AGENT_DESCRIPTION: text(agent.get("goal")),
    }


def _llm(data: Data) -> Found:
    stop = data.get("stop_sequences")
    return {
        names.OPERATION_NAME: names.CHAT,
        names.REQUEST_MODEL: text(data.get("model")),
        names.CALL_ID: text(data.get("call_id")),
        names.REQUEST_STREAM: flag(data.get("stream")),
        names.REQUEST_TEMPERATURE: number(data.get("temperature")),
        names.REQUEST_TOP_P: number(data.get("top_p")),
        names.REQUEST_MAX_TOKENS: number(data.get("max_tokens")),
        names.REQUEST_SEED: number(data.get("seed")),
        names.REQUEST_FREQUENCY_PENALTY: number(data.get("frequency_penalty")),
        names.REQUEST_PRESENCE_PENALTY: number(data.get("presence_penalty")),
        names.REQUEST_CHOICE_COUNT: number(data.get("n")),
        names.REQUEST_STOP_SEQUENCES: _texts(stop) if isinstance(stop, list) else None,
    }


def _llm_end(data: Data) -> Found:
    usage = mapping(data.get("usage"))
    reason = text(data.get("finish_reason"))
    return {
        names.RESPONSE_ID: text(data.get("response_id")),
        names.RESPONSE_FINISH_REASONS: (reason,) if reason else None,
        names.USAGE_INPUT_TOKENS: number(usage.get("prompt_tokens")),
        names.USAGE_OUTPUT_TOKENS: number(usage.get("completion_tokens")),
        names.USAGE_CACHE_READ: number(usage.get("cached_prompt_tokens")),
        names.USAGE_REASONING: number(usage.get("reasoning_tokens")),
    }


def _texts(values: list[object]) -> tuple[str, ...] | None:
    return tuple(item for value in values if (item := text(value))) or None


def _tool(data: Data) -> Found:
    return {
        names.OPERATION_NAME: names.EXECUTE_TOOL,
        names.TOOL_NAME: text(data.get("tool_name")),
        names.TOOL_TYPE: "function",
        names.TOOL_RUN_ATTEMPTS: number(data.get("run_attempts")),
        names.AGENT_ROLE: text(data.get("agent_role")),
        names.MCP_SERVER: text(data.get("server_name")),
    }


def _tool_end(data: Data) -> Found:
    return {names.TOOL_FROM_CACHE: flag(data.get("from_cache"))}


def _mcp_connection(data: Data) -> Found:
    return {names.MCP_SERVER: text(data.get("server_name"))}


_AT_START: Final[dict[str, Callable[[Data], Found]]] = {
    rules.FLOW.id: _flow,
    rules.METHOD.id: _method,
    rules.TURN.id: _turn,
    rules.CREW.id: _crew,
    rules.TASK.id: _task,
    rules.AGENT.id: _agent,
    rules.LLM.id: _llm,
    rules.TOOL.id: _tool,
    rules.MEMORY.id: _nothing,
    rules.KNOWLEDGE.id: _nothing,
    rules.GUARDRAIL.id: _nothing,
    rules.REASONING.id: _nothing,
    rules.EVALUATION.id: _nothing,
    rules.MCP_CONNECTION.id: _mcp_connection,
    rules.A2A.id: _nothing,
    rules.SESSION.id: _nothing,
}

_AT_END: Final[dict[str, Callable[[Data], Found]]] = {
    rules.FLOW.id: _flow_end,
    rules.CREW.id: _crew_end,
    rules.LLM.id: _llm_end,
    rules.TOOL.id: _tool_end,
}
