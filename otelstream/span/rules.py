"""The table: which frame type opens, closes or annotates which kind of span.

Read it top to bottom: the kinds, the pairs of types that delimit them, and the flows that are CrewAI's own.
Every pair of `crewai.events.event_context` has a row; a type without one is an event on the enclosing span.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from otelstream.span import names


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of span.

    Attributes:
        id: Its name in this program, and the key of its attribute functions.
        span_name: First word of the span's name.
        named_by: Attribute whose value follows that word, if the frame has it.
        client: Whether the span leaves the process (OpenTelemetry kind CLIENT).
    """

    id: str
    span_name: str
    named_by: str | None = None
    client: bool = False


FLOW: Final = Kind("flow", names.INVOKE_WORKFLOW, names.WORKFLOW_NAME)
METHOD: Final = Kind("method", names.METHOD, names.METHOD_NAME)
TURN: Final = Kind("turn", names.CONVERSATION_TURN)
CREW: Final = Kind("crew", names.INVOKE_WORKFLOW, names.WORKFLOW_NAME)
TASK: Final = Kind("task", names.TASK, names.TASK_NAME)
AGENT: Final = Kind("agent", names.INVOKE_AGENT, names.AGENT_NAME)
LLM: Final = Kind("llm", names.CHAT, names.REQUEST_MODEL, client=True)
TOOL: Final = Kind("tool", names.EXECUTE_TOOL, names.TOOL_NAME)
MEMORY: Final = Kind("memory", "memory")
KNOWLEDGE: Final = Kind("knowledge", "knowledge")
GUARDRAIL: Final = Kind("guardrail", "guardrail")
REASONING: Final = Kind("reasoning", "reasoning")
EVALUATION: Final = Kind("evaluation", "evaluation")
MCP_CONNECTION: Final = Kind("mcp_connection", "mcp_connection")
A2A: Final = Kind("a2a", "a2a")
SESSION: Final = Kind("session", names.STREAM_SESSION)


class Role(Enum):
    """What a frame does to the tree."""

    OPEN = "opens"
    CLOSE = "closes"
    CHUNK = "chunk of"
    EVENT = "annotates"


@dataclass(frozen=True, slots=True)
class Pair:
    """A start type and the types that end what it began.

    Attributes:
        kind: The kind of span.
        start: The type that opens it.
        ends: Types that close it.
        fails: Types that close it with an error.
        key: Field of `data` that says which open scope of the pair is meant, where there is one.
    """

    kind: Kind
    start: str
    ends: tuple[str, ...]
    fails: tuple[str, ...] = ()
    key: str | None = None


PAIRS: Final = (
    Pair(FLOW, "flow_started", ("flow_finished", "flow_paused"), ("flow_failed",)),
    Pair(
        METHOD,
        "method_execution_started",
        ("method_execution_finished", "method_execution_paused"),
        ("method_execution_failed",),
    ),
    Pair(TURN, "conversation_turn_started", ("conversation_turn_completed",), ("conversation_turn_failed",)),
    Pair(CREW, "crew_kickoff_started", ("crew_kickoff_completed",), ("crew_kickoff_failed",)),
    Pair(CREW, "crew_train_started", ("crew_train_completed",), ("crew_train_failed",)),
    Pair(CREW, "crew_test_started", ("crew_test_completed",), ("crew_test_failed",)),
    Pair(TASK, "task_started", ("task_completed",), ("task_failed",)),
    Pair(AGENT, "agent_execution_started", ("agent_execution_completed",), ("agent_execution_error",)),
    Pair(
        AGENT,
        "lite_agent_execution_started",
        ("lite_agent_execution_completed",),
        ("lite_agent_execution_error",),
    ),
    Pair(LLM, "llm_call_started", ("llm_call_completed",), ("llm_call_failed",), key="call_id"),
    Pair(TOOL, "tool_usage_started", ("tool_usage_finished",), ("tool_usage_error",)),
    Pair(
        TOOL,
        "mcp_tool_execution_started",
        ("mcp_tool_execution_completed",),
        ("mcp_tool_execution_failed",),
    ),
    Pair(MEMORY, "memory_retrieval_started", ("memory_retrieval_completed",), ("memory_retrieval_failed",)),
    Pair(MEMORY, "memory_save_started", ("memory_save_completed",), ("memory_save_failed",)),
    Pair(MEMORY, "memory_query_started", ("memory_query_completed",), ("memory_query_failed",)),
    Pair(KNOWLEDGE, "knowledge_query_started", ("knowledge_query_completed",), ("knowledge_query_failed",)),
    Pair(
        KNOWLEDGE,
        "knowledge_search_query_started",
        ("knowledge_search_query_completed",),
        ("knowledge_search_query_failed",),
    ),
    Pair(GUARDRAIL, "llm_guardrail_started", ("llm_guardrail_completed",), ("llm_guardrail_failed",)),
    Pair(REASONING, "agent_reasoning_started", ("agent_reasoning_completed",), ("agent_reasoning_failed",)),
    Pair(
        EVALUATION,
        "agent_evaluation_started",
        ("agent_evaluation_completed",),
        ("agent_evaluation_failed",),
    ),
    Pair(
        MCP_CONNECTION,
        "mcp_connection_started",
        ("mcp_connection_completed",),
        ("mcp_connection_failed",),
    ),
    Pair(A2A, "a2a_delegation_started", ("a2a_delegation_completed",)),
    Pair(A2A, "a2a_conversation_started", ("a2a_conversation_completed",)),
    Pair(A2A, "a2a_parallel_delegation_started", ("a2a_parallel_delegation_completed",)),
    Pair(
        A2A,
        "a2a_server_task_started",
        ("a2a_server_task_completed", "a2a_server_task_canceled"),
        ("a2a_server_task_failed",),
    ),
)

CHUNKS: Final = ("llm_stream_chunk", "llm_thinking_chunk")
"""Types that come once per token and are coalesced (`crewai.events.types.llm_events`)."""

INTERNAL_FLOWS: Final = {
    "AgentExecutor": (AGENT,),
    "EncodingFlow": (MEMORY,),
    "RecallFlow": (MEMORY,),
}
"""CrewAI's own flows, and the kinds of span beneath which they are its own.

A user's flow of the same name stands elsewhere and keeps its span.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one frame type does.

    Attributes:
        role: Opens, closes, is a chunk of, or annotates a span.
        pair: The pair that the type belongs to, for the first two roles.
        failed: Whether it closes its span with an error.
    """

    role: Role
    pair: Pair | None = None
    failed: bool = False


EVENT: Final = Rule(Role.EVENT)

RULES: Final[dict[str, Rule]] = {
    **{pair.start: Rule(Role.OPEN, pair) for pair in PAIRS},
    **{end: Rule(Role.CLOSE, pair) for pair in PAIRS for end in pair.ends},
    **{end: Rule(Role.CLOSE, pair, failed=True) for pair in PAIRS for end in pair.fails},
    **{chunk: Rule(Role.CHUNK) for chunk in CHUNKS},
}


def rule_for(frame_type: str) -> Rule:
    """Return the row of a frame type; a type without one annotates the enclosing span."""
    return RULES.get(frame_type, EVENT)
