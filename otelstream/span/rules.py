"""The table: which frame type opens, closes or annotates which kind of span.

Read it top to bottom: the kinds, the pairs of types that delimit them, and the flows that are CrewAI's own.
Every pair of `crewai.events.event_context` has a row; a type without one is an event on the enclosing span.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
        at_start: For kinds of your own: attributes from fields of the start frame's `data`.
        at_end: The same for the frame that ends the span.
    """

    id: str
    span_name: str
    named_by: str | None = None
    client: bool = False
    at_start: Mapping[str, str] = field(default_factory=dict)
    at_end: Mapping[str, str] = field(default_factory=dict)


FLOW: Final = Kind("flow", names.INVOKE_WORKFLOW, names.WORKFLOW_NAME)
METHOD: Final = Kind("method", names.METHOD, names.METHOD_NAME)
TURN: Final = Kind("turn", names.CONVERSATION_TURN)
CREW: Final = Kind("crew", names.INVOKE_WORKFLOW, names.WORKFLOW_NAME)
TASK: Final = Kind("task", names.TASK, names.TASK_NAME)
AGENT: Final = Kind("agent", names.INVOKE_AGENT, names.AGENT_NAME)
LLM: Final = Kind("llm", names.CHAT, names.REQUEST_MODEL, client=True)
TOOL: Final = Kind("tool", names.EXECUTE_TOOL, names.TOOL_NAME)
MEMORY_RETRIEVAL: Final = Kind("memory_retrieval", names.MEMORY_RETRIEVAL)
MEMORY_QUERY: Final = Kind("memory_query", names.SEARCH_MEMORY)
MEMORY_SAVE: Final = Kind("memory_save", names.UPSERT_MEMORY)
KNOWLEDGE_QUERY: Final = Kind("knowledge_query", names.KNOWLEDGE_QUERY)
KNOWLEDGE_SEARCH: Final = Kind("knowledge_search", names.RETRIEVAL, client=True)
GUARDRAIL: Final = Kind("guardrail", names.GUARDRAIL)
REASONING: Final = Kind("reasoning", names.PLAN, names.AGENT_NAME)
EVALUATION: Final = Kind("evaluation", names.EVALUATION)
MCP_CONNECTION: Final = Kind("mcp_connection", names.MCP_CONNECTION)
A2A: Final = Kind("a2a", names.A2A)
PLAN_STEP: Final = Kind("plan_step", names.PLAN_STEP)
STEP_OBSERVATION: Final = Kind("step_observation", names.STEP_OBSERVATION)
SUMMARIZATION: Final = Kind("summarization", names.SUMMARIZATION)
CHECKPOINT: Final = Kind("checkpoint", names.CHECKPOINT)
SKILL_DISCOVERY: Final = Kind("skill_discovery", names.SKILL_DISCOVERY)
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
        encloses: Whether what comes between start and end is inside it. The runtime does not enclose the
            types that are no scopes of its own: these stand beside the spans that follow.
        fails_if: Field and value of an end frame that say that it was a failure, where no type does.
    """

    kind: Kind
    start: str
    ends: tuple[str, ...]
    fails: tuple[str, ...] = ()
    key: str | None = None
    encloses: bool = True
    fails_if: tuple[str, object] | None = None


PAIRS: Final = (
    Pair(FLOW, "flow_started", ("flow_finished", "flow_paused"), ("flow_failed",)),
    Pair(
        METHOD,
        "method_execution_started",
        ("method_execution_finished", "method_execution_paused"),
        ("method_execution_failed",),
    ),
    Pair(
        TURN,
        "conversation_turn_started",
        ("conversation_turn_completed",),
        ("conversation_turn_failed",),
        key="session_id",
    ),
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
    Pair(
        MEMORY_RETRIEVAL,
        "memory_retrieval_started",
        ("memory_retrieval_completed",),
        ("memory_retrieval_failed",),
    ),
    Pair(MEMORY_SAVE, "memory_save_started", ("memory_save_completed",), ("memory_save_failed",)),
    Pair(MEMORY_QUERY, "memory_query_started", ("memory_query_completed",), ("memory_query_failed",)),
    Pair(
        KNOWLEDGE_QUERY,
        "knowledge_query_started",
        ("knowledge_query_completed",),
        ("knowledge_query_failed",),
    ),
    Pair(
        KNOWLEDGE_SEARCH,
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
    Pair(A2A, "a2a_delegation_started", ("a2a_delegation_completed",), fails_if=("status", "failed")),
    Pair(A2A, "a2a_conversation_started", ("a2a_conversation_completed",), fails_if=("status", "failed")),
    Pair(A2A, "a2a_parallel_delegation_started", ("a2a_parallel_delegation_completed",)),
    Pair(
        A2A,
        "a2a_server_task_started",
        ("a2a_server_task_completed", "a2a_server_task_canceled"),
        ("a2a_server_task_failed",),
    ),
    # From here on: no scopes of the runtime, whatever their names say.
    Pair(
        PLAN_STEP,
        "plan_step_started",
        ("plan_step_completed",),
        key="step_number",
        encloses=False,
        fails_if=("success", False),
    ),
    Pair(
        STEP_OBSERVATION,
        "step_observation_started",
        ("step_observation_completed",),
        ("step_observation_failed",),
        key="step_number",
        encloses=False,
    ),
    Pair(
        SUMMARIZATION,
        "context_window_summarization_started",
        ("context_window_summarization_completed",),
        ("context_window_summarization_failed",),
        encloses=False,
    ),
    Pair(CHECKPOINT, "checkpoint_started", ("checkpoint_completed",), ("checkpoint_failed",), encloses=False),
    Pair(
        CHECKPOINT,
        "checkpoint_restore_started",
        ("checkpoint_restore_completed",),
        ("checkpoint_restore_failed",),
        encloses=False,
    ),
    Pair(CHECKPOINT, "checkpoint_fork_started", ("checkpoint_fork_completed",), encloses=False),
    Pair(
        SKILL_DISCOVERY,
        "skill_discovery_started",
        ("skill_discovery_completed",),
        key="search_path",
        encloses=False,
    ),
)
"""Every pair of types that delimits something.

`agent_logs_started`, `a2a_polling_started` and `a2a_streaming_started` have no end, so they are events.
"""

RUNTIME_STARTS: Final = frozenset(pair.start for pair in PAIRS if pair.encloses and pair.kind is not TURN)
"""Types that the runtime's own stack knows (`crewai.events.event_context`): `parent_id` names them."""

CHUNKS: Final = ("llm_stream_chunk", "llm_thinking_chunk")
"""Types that come once per token and are coalesced (`crewai.events.types.llm_events`)."""

INTERNAL_FLOWS: Final = {
    "AgentExecutor": (AGENT,),
    "EncodingFlow": (MEMORY_RETRIEVAL, MEMORY_QUERY, MEMORY_SAVE),
    "RecallFlow": (MEMORY_RETRIEVAL, MEMORY_QUERY, MEMORY_SAVE),
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

    @property
    def kind(self) -> Kind | None:
        """The kind of span that the type opens or closes."""
        return None if self.pair is None else self.pair.kind


EVENT: Final = Rule(Role.EVENT)


def _rules_of(pairs: Iterable[Pair]) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for pair in pairs:
        rules[pair.start] = Rule(Role.OPEN, pair)
        rules.update((end, Rule(Role.CLOSE, pair)) for end in pair.ends)
        rules.update((end, Rule(Role.CLOSE, pair, failed=True)) for end in pair.fails)
    return rules


RULES: Final[dict[str, Rule]] = {**_rules_of(PAIRS), **{chunk: Rule(Role.CHUNK) for chunk in CHUNKS}}


def rule_for(frame_type: str) -> Rule:
    """Return the row of a frame type; a type without one annotates the enclosing span."""
    return RULES.get(frame_type, EVENT)


def with_rows(rows: Iterable[Pair]) -> Mapping[str, Rule]:
    """Return the table with rows of your own, as `SpanOptions(rows=...)` uses it.

        job = Kind("job", "job", "my.job.name", at_start={"my.job.name": "name"})
        SpanOptions(rows=(Pair(job, "my_job_started", ("my_job_completed",), ("my_job_failed",)),))

    Args:
        rows: Start and end types of your own events. A span's name is its kind's `span_name`, followed by the
            value of the attribute `named_by`: choose a field with few values.

    Raises:
        ValueError: A row names a type or a kind that the table has already, or ends with what it starts.
    """
    table = dict(RULES)
    kinds = {pair.kind.id for pair in PAIRS} | {SESSION.id}
    for row in rows:
        if row.kind.id in kinds:
            raise ValueError(f"the kind {row.kind.id!r} is one of otelstream's own; give yours another id.")
        types = (row.start, *row.ends, *row.fails)
        for name in types:
            if name in table or types.count(name) > 1:
                raise ValueError(f"{name!r} is in the table already; each type may stand in one row, once.")
        table.update(_rules_of((row,)))
    return table
