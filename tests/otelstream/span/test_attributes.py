"""The attributes of each kind of span."""

from __future__ import annotations

import pytest

from otelstream.span import rules
from otelstream.span.attributes import at_end, at_start
from otelstream.span.model import AttributeValue

COMMON = {
    "source_fingerprint": "d2a8",
    "source_type": "agent",
    "fingerprint_metadata": None,
    "task_id": "t1",
    "task_name": "A whole description.",
    "agent_id": "a1",
    "agent_role": "Writer",
    "triggered_by_event_id": None,
    "started_event_id": None,
}
"""The nine keys that every frame carries."""

AGENT = {"id": "a1", "role": "Writer", "goal": "Write well", "backstory": "Old", "llm": {"api_key": "sk-1"}}

STARTS: list[tuple[rules.Kind, dict[str, object], dict[str, AttributeValue]]] = [
    (
        rules.FLOW,
        {"flow_name": "Greeting", "inputs": {"who": "me"}},
        {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": "Greeting",
            "crewai.flow.name": "Greeting",
        },
    ),
    (
        rules.METHOD,
        {"flow_name": "Greeting", "method_name": "begin", "state": {"id": "s1"}, "params": {"n": 1}},
        {"crewai.flow.name": "Greeting", "crewai.method.name": "begin"},
    ),
    (
        rules.TURN,
        {"flow_name": "Chat", "session_id": "session-1"},
        {"gen_ai.conversation.id": "session-1", "crewai.flow.name": "Chat"},
    ),
    (
        rules.CREW,
        {"crew_name": "research", "crew": {"name": "research"}, "inputs": {"topic": "otel"}},
        {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": "research",
            "crewai.crew.name": "research",
        },
    ),
    (
        rules.TASK,
        {"context": "", "task": {"id": "t1", "name": "write", "description": "Write.", "agent": AGENT}},
        {"crewai.task.name": "write", "crewai.task.id": "t1"},
    ),
    (
        rules.AGENT,
        {"agent": AGENT, "task": {"name": "write"}, "tools": [], "task_prompt": "Write."},
        {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": "Writer",
            "gen_ai.agent.id": "a1",
            "gen_ai.agent.description": "Write well",
        },
    ),
    (
        rules.LLM,
        {
            "model": "gpt-4o-mini",
            "call_id": "c1",
            "messages": [{"role": "user", "content": "Hi"}],
            "tools": [{"name": "lookup"}],
            "stream": True,
            "temperature": 0.5,
            "top_p": 1,
            "max_tokens": 100,
            "seed": 7,
            "frequency_penalty": 0.1,
            "presence_penalty": 0.2,
            "n": 2,
            "stop_sequences": ["\nObservation:", "", 3],
        },
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "crewai.llm.call_id": "c1",
            "crewai.agent.role": "Writer",
            "gen_ai.request.stream": True,
            "gen_ai.request.temperature": 0.5,
            "gen_ai.request.top_p": 1,
            "gen_ai.request.max_tokens": 100,
            "gen_ai.request.seed": 7,
            "gen_ai.request.frequency_penalty": 0.1,
            "gen_ai.request.presence_penalty": 0.2,
            "gen_ai.request.choice.count": 2,
            "gen_ai.request.stop_sequences": ("\nObservation:",),
        },
    ),
    (
        rules.TOOL,
        {"tool_name": "lookup", "tool_args": {"topic": "otel"}, "run_attempts": 0, "agent_key": "k"},
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "lookup",
            "gen_ai.tool.type": "function",
            "crewai.tool.run_attempts": 0,
            "gen_ai.agent.name": "Writer",
        },
    ),
    (rules.MEMORY_RETRIEVAL, {"task_id": "t1"}, {}),
    (
        rules.MEMORY_QUERY,
        {"query": "who", "limit": 3, "score_threshold": 0.35},
        {
            "gen_ai.operation.name": "search_memory",
            "crewai.memory.limit": 3,
            "crewai.memory.score_threshold": 0.35,
        },
    ),
    (
        rules.MEMORY_SAVE,
        {"value": "It rains.", "metadata": {"a": 1}},
        {"gen_ai.operation.name": "upsert_memory"},
    ),
    (rules.KNOWLEDGE_QUERY, {"task_prompt": "who"}, {}),
    (rules.KNOWLEDGE_SEARCH, {"query": "who"}, {"gen_ai.operation.name": "retrieval"}),
    (
        rules.GUARDRAIL,
        {"guardrail": "no names", "guardrail_type": "hallucination", "retry_count": 0},
        {"crewai.guardrail.type": "hallucination", "crewai.guardrail.retry_count": 0},
    ),
    (
        rules.REASONING,
        {"attempt": 1},
        {"gen_ai.operation.name": "plan", "crewai.reasoning.attempt": 1, "gen_ai.agent.name": "Writer"},
    ),
    (
        rules.EVALUATION,
        {"iteration": 1},
        {"crewai.evaluation.iteration": 1, "gen_ai.agent.name": "Writer"},
    ),
    (
        rules.MCP_CONNECTION,
        {"server_name": "mcp_server.py", "server_url": "http://u:p@host", "transport_type": "stdio"},
        {"crewai.mcp.server_name": "mcp_server.py", "crewai.mcp.transport_type": "stdio"},
    ),
    (
        rules.A2A,
        {
            "endpoint": "http://host",
            "task_description": "Do.",
            "a2a_agent_name": "Remote",
            "context_id": "x1",
        },
        {"crewai.a2a.agent_name": "Remote", "crewai.a2a.context_id": "x1"},
    ),
    (
        rules.PLAN_STEP,
        {"step_number": 2, "step_description": "Look it up.", "tool_to_use": "lookup"},
        {"crewai.plan.step_number": 2, "crewai.plan.tool_to_use": "lookup"},
    ),
    (rules.STEP_OBSERVATION, {"step_number": 2}, {"crewai.plan.step_number": 2}),
    (rules.SUMMARIZATION, {"model": "gpt-4o-mini"}, {"gen_ai.request.model": "gpt-4o-mini"}),
    (
        rules.CHECKPOINT,
        {"location": "/tmp/x", "provider": "JsonProvider", "branch": "main"},
        {"crewai.checkpoint.provider": "JsonProvider", "crewai.checkpoint.branch": "main"},
    ),
    (rules.SKILL_DISCOVERY, {"search_path": "/skills"}, {}),
    (rules.SESSION, {"chunk": "Hi"}, {}),
]

ENDS: list[tuple[rules.Kind, dict[str, object], dict[str, AttributeValue]]] = [
    (
        rules.FLOW,
        {"flow_name": "Greeting", "result": "done", "state": {"id": "s1", "who": "me"}},
        {"crewai.flow.id": "s1"},
    ),
    (
        rules.FLOW,
        {"flow_name": "Review", "flow_id": "s1", "state": {}, "message": "Please.", "emit": ["ok"]},
        {"crewai.flow.id": "s1", "crewai.paused": True},
    ),
    (rules.FLOW, {"flow_name": "Greeting", "error": "no"}, {}),
    (rules.METHOD, {"method_name": "begin", "result": "done", "state": {"id": "s1"}}, {}),
    (rules.TURN, {"session_id": "session-1"}, {}),
    (
        rules.CREW,
        {"crew_name": "research", "output": {"raw": "done"}, "total_tokens": 510},
        {"crewai.crew.total_tokens": 510},
    ),
    (rules.TASK, {"output": {"raw": "done"}, "task": {"name": "write"}}, {}),
    (rules.AGENT, {"agent": AGENT, "output": "done"}, {}),
    (
        rules.LLM,
        {
            "model": "gpt-4o-mini",
            "call_id": "c1",
            "messages": [{"role": "user", "content": "Hi"}],
            "response": "Hello",
            "call_type": "llm_call",
            "response_id": "chatcmpl-1",
            "finish_reason": "stop",
            "usage": {
                "prompt_tokens": 7,
                "completion_tokens": 40,
                "total_tokens": 47,
                "cached_prompt_tokens": 3,
                "reasoning_tokens": 0,
            },
        },
        {
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": 7,
            "gen_ai.usage.output_tokens": 40,
            "gen_ai.usage.cache_read.input_tokens": 3,
            "gen_ai.usage.reasoning.output_tokens": 0,
        },
    ),
    (rules.LLM, {"call_id": "c1", "error": "no"}, {}),
    (
        rules.TOOL,
        {"tool_name": "lookup", "output": "found", "from_cache": False, "started_at": "now"},
        {"crewai.tool.from_cache": False},
    ),
    (rules.MEMORY_RETRIEVAL, {"memory_content": "x", "retrieval_time_ms": 1.5}, {}),
    (rules.MEMORY_QUERY, {"results": ["x"], "query_time_ms": 1.5}, {}),
    (rules.MEMORY_SAVE, {"value": "x", "save_time_ms": 1.5}, {}),
    (rules.KNOWLEDGE_QUERY, {"query": "x"}, {}),
    (rules.KNOWLEDGE_SEARCH, {"retrieved_knowledge": "x"}, {}),
    (rules.GUARDRAIL, {"success": False, "result": "x"}, {"crewai.guardrail.success": False}),
    (rules.REASONING, {"plan": "x", "ready": True}, {"crewai.reasoning.ready": True}),
    (
        rules.EVALUATION,
        {"score": 0.5, "metric_category": "goal_alignment"},
        {"gen_ai.evaluation.name": "goal_alignment", "gen_ai.evaluation.score.value": 0.5},
    ),
    (rules.MCP_CONNECTION, {"connection_duration_ms": 1.5}, {}),
    (rules.A2A, {"status": "completed", "result": "x"}, {"crewai.a2a.status": "completed"}),
    (rules.PLAN_STEP, {"step_number": 2, "success": True}, {"crewai.plan.step_success": True}),
    (rules.STEP_OBSERVATION, {"step_number": 2, "key_information_learned": "x"}, {}),
    (rules.SUMMARIZATION, {"duration_ms": 1.5}, {}),
    (
        rules.CHECKPOINT,
        {"checkpoint_id": "k1", "provider": "JsonProvider", "branch": "main", "location": "/tmp/x"},
        {
            "crewai.checkpoint.id": "k1",
            "crewai.checkpoint.provider": "JsonProvider",
            "crewai.checkpoint.branch": "main",
        },
    ),
    (rules.SKILL_DISCOVERY, {"search_path": "/skills", "skills_found": 3}, {"crewai.skills.found": 3}),
]

ODD_VALUES = [None, 5, 1.5, True, "", [], ["x"], {}, {"id": 5}, 2**70]


def label(value: object) -> str | None:
    """The name of a case: the kind it is about."""
    return value.id if isinstance(value, rules.Kind) else None


@pytest.mark.parametrize(("kind", "data", "expected"), STARTS, ids=label)
def test_a_start_gives_these_attributes(
    kind: rules.Kind, data: dict[str, object], expected: dict[str, AttributeValue]
) -> None:
    """The whole of what a frame that opens a span of that kind supplies, beside the common keys."""
    common = {**COMMON, "task_id": None} if kind is rules.TASK else COMMON
    assert at_start(kind, {**common, **data}, {}) == expected


@pytest.mark.parametrize(("kind", "data", "expected"), ENDS, ids=label)
def test_an_end_gives_these_attributes(
    kind: rules.Kind, data: dict[str, object], expected: dict[str, AttributeValue]
) -> None:
    """The whole of what a frame that closes a span of that kind supplies, beside the common keys."""
    assert at_end(kind, {**COMMON, **data}) == expected


def test_the_cases_cover_every_kind() -> None:
    """No kind is without a case."""
    kinds = {kind.id for kind in vars(rules).values() if isinstance(kind, rules.Kind)}
    assert {kind.id for kind, _, _ in STARTS} == kinds
    assert {kind.id for kind, _, _ in ENDS} == kinds - {"session"}


def test_a_lite_agent_is_an_agent() -> None:
    """The smaller `agent_info` of `lite_agent_execution_*` says the same."""
    assert at_start(rules.AGENT, {"agent_info": AGENT}, {}) == at_start(rules.AGENT, {"agent": AGENT}, {})


def test_a_tool_of_a_server_names_it() -> None:
    """A tool call over MCP says which server ran it."""
    assert at_start(rules.TOOL, {"tool_name": "add", "server_name": "mcp_server.py"}, {}) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "add",
        "gen_ai.tool.type": "extension",
        "crewai.mcp.server_name": "mcp_server.py",
    }


def test_a_description_is_no_task_name() -> None:
    """`task_name` of an unnamed task is its description, and stays out."""
    data = {**COMMON, "task": {"name": None, "description": "A whole description."}}
    assert at_start(rules.TASK, data, {}) == {"crewai.task.id": "t1"}


@pytest.mark.parametrize(("kind", "data", "expected"), STARTS + ENDS, ids=label)
@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_a_wrong_type_is_left_out(
    kind: rules.Kind, data: dict[str, object], expected: dict[str, AttributeValue], odd: object
) -> None:
    """Whatever a field holds, no attribute gets a value of a type that OTLP cannot carry."""
    wrong = dict.fromkeys([*COMMON, *data], odd)
    attributes = [*at_start(kind, wrong, {}).items(), *at_end(kind, wrong).items()]
    assert [item for item in attributes if not is_attribute(item[1])] == []


def is_attribute(value: object) -> bool:
    """Whether OTLP can carry a value: text, flag, number of 64 bits, or several texts."""
    if isinstance(value, tuple):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | bool | float) or (isinstance(value, int) and abs(value) < 2**63)
