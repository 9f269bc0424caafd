"""`frame.data` to span attributes: one row per kind of span, and a small function where a row is not enough.

Values of an unexpected type are left out, never guessed; prompts, answers and tool arguments are content
and are in `content`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from otelstream.span import names, rules
from otelstream.span.model import Attributes, AttributeValue
from otelstream.span.providers import provider_of, server_of
from otelstream.span.scalars import Data, flag, mapping, number, text
from otelstream.span.usage import usage_attributes

Found: TypeAlias = dict[str, AttributeValue | None]

_TOOLS: Final = "descriptions of tools"
"""Key of a fact that is no attribute: the descriptions of an agent's tools by their names."""


def at_start(kind: rules.Kind, data: Data, facts: Attributes) -> dict[str, AttributeValue]:
    """Return the attributes that a frame of that kind supplies when it opens its span.

    Args:
        kind: The kind of span.
        data: The frame's `data`.
        facts: What the spans around it pass down (`facts_of`).
    """
    found = _AT_START[kind.id](data) if kind.id in _AT_START else _own(kind.at_start, data)
    passed = _PASSED.get(kind.id)
    return {**_present(found), **(_present(passed(found, facts)) if passed and facts else {})}


def at_end(kind: rules.Kind, data: Data) -> dict[str, AttributeValue]:
    """Return the attributes that a frame of that kind supplies when it closes its span."""
    return _present(_AT_END[kind.id](data) if kind.id in _AT_END else _own(kind.at_end, data))


def facts_of(kind: rules.Kind, data: Data) -> dict[str, AttributeValue]:
    """Return what a frame that opens a span tells those beneath it, as attributes that they may take over.

    An agent's dump knows its LLM's provider and endpoint and its tools' descriptions, which the frames of
    calls and tools do not; a turn knows the conversation.
    """
    if kind is rules.AGENT:
        return _present(_agent_facts(data))
    return _present({names.CONVERSATION_ID: text(data.get("session_id"))}) if kind is rules.TURN else {}


def _present(found: Found) -> dict[str, AttributeValue]:
    return {key: value for key, value in found.items() if value is not None}


def _own(fields: Mapping[str, str], data: Data) -> Found:
    return {attribute: _scalar(data.get(name)) for attribute, name in fields.items()}


def _scalar(value: object) -> AttributeValue | None:
    return value if isinstance(value, bool) else text(value) or number(value)


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
    llm = mapping(agent.get("llm"))
    return {
        names.OPERATION_NAME: names.INVOKE_AGENT,
        names.AGENT_NAME: role,
        names.AGENT_ID: text(agent.get("id")),
        names.AGENT_DESCRIPTION: text(agent.get("goal")),
        names.PROVIDER_NAME: provider_of(text(llm.get("model")), text(llm.get("provider"))),
        names.REQUEST_MODEL: text(llm.get("model")),
    }


def _agent_facts(data: Data) -> Found:
    agent = mapping(data.get("agent"))
    llm = mapping(agent.get("llm"))
    tools = agent.get("tools")
    host, port = server_of(text(llm.get("base_url")))
    described = {
        name: description
        for tool in (tools if isinstance(tools, list) else [])
        if (name := text(mapping(tool).get("name")))
        and (description := text(mapping(tool).get("description")))
    }
    return {
        names.REQUEST_MODEL: text(llm.get("model")),
        names.PROVIDER_NAME: provider_of(text(llm.get("model")), text(llm.get("provider"))),
        names.SERVER_ADDRESS: host,
        names.SERVER_PORT: port,
        names.AGENT_NAME: text(agent.get("role")),
        _TOOLS: described or None,
    }


def _llm(data: Data) -> Found:
    stop = data.get("stop_sequences")
    choices = number(data.get("n"))
    return {
        names.OPERATION_NAME: names.CHAT,
        names.PROVIDER_NAME: provider_of(text(data.get("model"))),
        names.REQUEST_MODEL: text(data.get("model")),
        names.CALL_ID: text(data.get("call_id")),
        names.AGENT_ROLE: text(data.get("agent_role")),
        names.REQUEST_STREAM: flag(data.get("stream")) or None,
        names.REQUEST_TEMPERATURE: number(data.get("temperature")),
        names.REQUEST_TOP_P: number(data.get("top_p")),
        names.REQUEST_MAX_TOKENS: number(data.get("max_tokens")),
        names.REQUEST_SEED: number(data.get("seed")),
        names.REQUEST_FREQUENCY_PENALTY: number(data.get("frequency_penalty")),
        names.REQUEST_PRESENCE_PENALTY: number(data.get("presence_penalty")),
        names.REQUEST_CHOICE_COUNT: None if choices == 1 else choices,
        names.REQUEST_STOP_SEQUENCES: _texts(stop) if isinstance(stop, list) else None,
    }


def _llm_passed(found: Found, facts: Attributes) -> Found:
    # What is beneath an agent may use another model, of which the agent's dump knows nothing.
    own_model = facts.get(names.REQUEST_MODEL) == found[names.REQUEST_MODEL]
    of_model = (names.PROVIDER_NAME, names.SERVER_ADDRESS, names.SERVER_PORT) if own_model else ()
    return {key: facts.get(key) for key in (*of_model, names.CONVERSATION_ID)}


def _llm_end(data: Data) -> Found:
    reason = text(data.get("finish_reason"))
    return {
        names.RESPONSE_ID: text(data.get("response_id")),
        names.RESPONSE_FINISH_REASONS: (reason,) if reason else None,
        **usage_attributes(mapping(data.get("usage"))),
    }


def _texts(values: list[object]) -> tuple[str, ...] | None:
    return tuple(item for value in values if (item := text(value))) or None


def _tool(data: Data) -> Found:
    role = text(data.get("agent_role"))
    return {
        names.OPERATION_NAME: names.EXECUTE_TOOL,
        names.TOOL_NAME: text(data.get("tool_name")),
        names.TOOL_TYPE: "extension" if "server_name" in data else "function",
        names.TOOL_RUN_ATTEMPTS: number(data.get("run_attempts")),
        names.AGENT_NAME: role,
        names.MCP_SERVER: text(data.get("server_name")),
        names.MCP_TRANSPORT: text(data.get("transport_type")),
        names.STEP_NUMBER: number(data.get("plan_step_number")),
    }


def _tool_passed(found: Found, facts: Attributes) -> Found:
    described = mapping(facts.get(_TOOLS))
    return {
        names.TOOL_DESCRIPTION: text(described.get(str(found[names.TOOL_NAME]))),
        names.AGENT_NAME: found[names.AGENT_NAME] or facts.get(names.AGENT_NAME),
        names.CONVERSATION_ID: facts.get(names.CONVERSATION_ID),
    }


def _tool_end(data: Data) -> Found:
    return {
        names.TOOL_FROM_CACHE: flag(data.get("from_cache")),
        names.TOOL_RETRYABLE: flag(mapping(data.get("failure")).get("retryable")),
    }


def _conversation(_: Found, facts: Attributes) -> Found:
    return {names.CONVERSATION_ID: facts.get(names.CONVERSATION_ID)}


def _reasoning_passed(_: Found, facts: Attributes) -> Found:
    return {names.AGENT_NAME: facts.get(names.AGENT_NAME)}


def _operation(name: str) -> Callable[[Data], Found]:
    return lambda _: {names.OPERATION_NAME: name}


def _fields(fields: Mapping[str, str]) -> Callable[[Data], Found]:
    return lambda data: _own(fields, data)


def _both(*functions: Callable[[Data], Found]) -> Callable[[Data], Found]:
    return lambda data: {key: value for function in functions for key, value in function(data).items()}


_MEMORY: Final = _fields({names.MEMORY_LIMIT: "limit", names.MEMORY_SCORE_THRESHOLD: "score_threshold"})

_AT_START: Final[dict[str, Callable[[Data], Found]]] = {
    rules.FLOW.id: _flow,
    rules.METHOD.id: _method,
    rules.TURN.id: _turn,
    rules.CREW.id: _crew,
    rules.TASK.id: _task,
    rules.AGENT.id: _agent,
    rules.LLM.id: _llm,
    rules.TOOL.id: _tool,
    rules.MEMORY_QUERY.id: _both(_operation(names.SEARCH_MEMORY), _MEMORY),
    rules.MEMORY_SAVE.id: _operation(names.UPSERT_MEMORY),
    rules.KNOWLEDGE_SEARCH.id: _operation(names.RETRIEVAL),
    rules.GUARDRAIL.id: _fields(
        {names.GUARDRAIL_TYPE: "guardrail_type", names.GUARDRAIL_RETRY_COUNT: "retry_count"}
    ),
    rules.REASONING.id: _both(
        _operation(names.PLAN), _fields({names.REASONING_ATTEMPT: "attempt", names.AGENT_NAME: "agent_role"})
    ),
    rules.EVALUATION.id: _fields({names.EVALUATION_ITERATION: "iteration", names.AGENT_NAME: "agent_role"}),
    rules.MCP_CONNECTION.id: _fields(
        {names.MCP_SERVER: "server_name", names.MCP_TRANSPORT: "transport_type"}
    ),
    rules.A2A.id: _fields({names.A2A_AGENT: "a2a_agent_name", names.A2A_CONTEXT_ID: "context_id"}),
    rules.PLAN_STEP.id: _fields({names.STEP_NUMBER: "step_number", names.STEP_TOOL: "tool_to_use"}),
    rules.STEP_OBSERVATION.id: _fields({names.STEP_NUMBER: "step_number"}),
    rules.SUMMARIZATION.id: _fields({names.REQUEST_MODEL: "model"}),
    rules.CHECKPOINT.id: _fields({names.CHECKPOINT_PROVIDER: "provider", names.CHECKPOINT_BRANCH: "branch"}),
}
"""What a start frame tells; a kind without a row, as one of a user's own, has its `at_start`."""

_AT_END: Final[dict[str, Callable[[Data], Found]]] = {
    rules.FLOW.id: _flow_end,
    rules.CREW.id: _crew_end,
    rules.LLM.id: _llm_end,
    rules.TOOL.id: _tool_end,
    rules.GUARDRAIL.id: _fields({names.GUARDRAIL_SUCCESS: "success"}),
    rules.REASONING.id: _fields({names.REASONING_READY: "ready"}),
    rules.EVALUATION.id: _fields({names.EVALUATION_NAME: "metric_category", names.EVALUATION_SCORE: "score"}),
    rules.A2A.id: _fields({names.A2A_STATUS: "status"}),
    rules.PLAN_STEP.id: _fields({names.STEP_SUCCESS: "success"}),
    rules.CHECKPOINT.id: _fields(
        {
            names.CHECKPOINT_ID: "checkpoint_id",
            names.CHECKPOINT_PROVIDER: "provider",
            names.CHECKPOINT_BRANCH: "branch",
        }
    ),
    rules.SKILL_DISCOVERY.id: _fields({names.SKILLS_FOUND: "skills_found"}),
}

_PASSED: Final[dict[str, Callable[[Found, Attributes], Found]]] = {
    rules.LLM.id: _llm_passed,
    rules.TOOL.id: _tool_passed,
    rules.AGENT.id: _conversation,
    rules.CREW.id: _conversation,
    rules.FLOW.id: _conversation,
    rules.REASONING.id: _reasoning_passed,
}
"""What a span takes over from those around it."""
