"""Every span name, attribute key, event name and metric that otelstream emits, and nothing else.

`gen_ai.*`, `server.*` and `error.*` are those of the OpenTelemetry semantic conventions; what has none
(methods, tasks, frames) is under `crewai.`, what is about the bridge itself under `otelstream.`. Constants
are the names of 1.41, the last tagged release of the GenAI conventions; `in_version` gives the coming ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypeVar

V = TypeVar("V")

Convention: TypeAlias = Literal["1.41", "main"]
"""The conventions' release 1.41.0, or the main branch of `open-telemetry/semantic-conventions-genai`."""

# Span names: a closed set of words; the name of a flow, role, model or tool may follow.
INVOKE_WORKFLOW: Final = "invoke_workflow"
INVOKE_AGENT: Final = "invoke_agent"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"
METHOD: Final = "method"
CONVERSATION_TURN: Final = "conversation_turn"
TASK: Final = "task"
STREAM_SESSION: Final = "stream_session"
RETRIEVAL: Final = "retrieval"
PLAN: Final = "plan"
SEARCH_MEMORY: Final = "search_memory"
UPSERT_MEMORY: Final = "upsert_memory"
MEMORY_RETRIEVAL: Final = "memory_retrieval"
KNOWLEDGE_QUERY: Final = "knowledge_query"
GUARDRAIL: Final = "guardrail"
EVALUATION: Final = "evaluation"
MCP_CONNECTION: Final = "mcp_connection"
A2A: Final = "a2a"
PLAN_STEP: Final = "plan_step"
STEP_OBSERVATION: Final = "step_observation"
SUMMARIZATION: Final = "context_window_summarization"
CHECKPOINT: Final = "checkpoint"
SKILL_DISCOVERY: Final = "skill_discovery"
PENDING_PREFIX: Final = "pending"

# Attributes of the GenAI conventions.
OPERATION_NAME: Final = "gen_ai.operation.name"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_DESCRIPTION: Final = "gen_ai.agent.description"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_CREATION: Final = "gen_ai.usage.cache_creation.input_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
USAGE: Final = (
    USAGE_INPUT_TOKENS,
    USAGE_OUTPUT_TOKENS,
    USAGE_CACHE_READ,
    USAGE_CACHE_CREATION,
    USAGE_REASONING,
)
TOKEN_TYPE: Final = "gen_ai.token.type"
TOKEN_MODALITY: Final = "gen_ai.token.modality"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_SCORE: Final = "gen_ai.evaluation.score.value"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
ERROR_TYPE_OTHER: Final = "_OTHER"
UNKNOWN_TOOL: Final = "unknown_tool"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"

# Content: exported only where the policy says so, structured as the conventions' JSON schemas have it.
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"
RETRIEVAL_QUERY: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"
MEMORY_QUERY: Final = "gen_ai.memory.query.text"
MEMORY_RECORDS: Final = "gen_ai.memory.records"
CONTENT: Final = frozenset(
    {
        INPUT_MESSAGES,
        OUTPUT_MESSAGES,
        SYSTEM_INSTRUCTIONS,
        TOOL_DEFINITIONS,
        TOOL_ARGUMENTS,
        TOOL_RESULT,
        RETRIEVAL_QUERY,
        RETRIEVAL_DOCUMENTS,
        MEMORY_QUERY,
        MEMORY_RECORDS,
    }
)

# Events of the conventions, which are log records there.
OPERATION_DETAILS: Final = "gen_ai.client.inference.operation.details"
OPERATION_EXCEPTION: Final = "gen_ai.client.operation.exception"

# Attributes of the runtime, which the conventions do not name.
FLOW_NAME: Final = "crewai.flow.name"
FLOW_ID: Final = "crewai.flow.id"
METHOD_NAME: Final = "crewai.method.name"
CREW_NAME: Final = "crewai.crew.name"
CREW_TOTAL_TOKENS: Final = "crewai.crew.total_tokens"
TASK_ID: Final = "crewai.task.id"
TASK_NAME: Final = "crewai.task.name"
AGENT_ROLE: Final = "crewai.agent.role"
CALL_ID: Final = "crewai.llm.call_id"
TOOL_FROM_CACHE: Final = "crewai.tool.from_cache"
TOOL_RETRYABLE: Final = "crewai.tool.failure.retryable"
TOOL_RUN_ATTEMPTS: Final = "crewai.tool.run_attempts"
MCP_SERVER: Final = "crewai.mcp.server_name"
MCP_TRANSPORT: Final = "crewai.mcp.transport_type"
MEMORY_LIMIT: Final = "crewai.memory.limit"
MEMORY_SCORE_THRESHOLD: Final = "crewai.memory.score_threshold"
GUARDRAIL_TYPE: Final = "crewai.guardrail.type"
GUARDRAIL_RETRY_COUNT: Final = "crewai.guardrail.retry_count"
GUARDRAIL_SUCCESS: Final = "crewai.guardrail.success"
REASONING_ATTEMPT: Final = "crewai.reasoning.attempt"
REASONING_READY: Final = "crewai.reasoning.ready"
EVALUATION_ITERATION: Final = "crewai.evaluation.iteration"
A2A_AGENT: Final = "crewai.a2a.agent_name"
A2A_CONTEXT_ID: Final = "crewai.a2a.context_id"
A2A_STATUS: Final = "crewai.a2a.status"
STEP_NUMBER: Final = "crewai.plan.step_number"
STEP_TOOL: Final = "crewai.plan.tool_to_use"
STEP_SUCCESS: Final = "crewai.plan.step_success"
CHECKPOINT_ID: Final = "crewai.checkpoint.id"
CHECKPOINT_BRANCH: Final = "crewai.checkpoint.branch"
CHECKPOINT_PROVIDER: Final = "crewai.checkpoint.provider"
SKILLS_FOUND: Final = "crewai.skills.found"
PAUSED: Final = "crewai.paused"
FRAME_ID: Final = "crewai.frame.id"
FRAME_TYPE: Final = "crewai.frame.type"
FRAME_SEQ: Final = "crewai.frame.seq"
FRAME_PREVIOUS_ID: Final = "crewai.frame.previous_id"
DATA_PREFIX: Final = "crewai.data."

# Attributes about the bridge itself.
RUN_NAME: Final = "otelstream.run.name"
END: Final = "otelstream.end"
LEFT_OPEN: Final = "left_open"
FRAMES: Final = "otelstream.frames"
ANOMALY_PREFIX: Final = "otelstream.anomalies."
DATA_OMITTED: Final = "otelstream.data.omitted"
EVENTS_DROPPED: Final = "otelstream.events_dropped"
CONTENT_DROPPED: Final = "otelstream.content_dropped_bytes"
CUT: Final = "otelstream.cut"
PENDING: Final = "otelstream.pending"
LINK: Final = "otelstream.link"
STALL: Final = "otelstream.stall"
STALLS: Final = "otelstream.stalls"
STALL_DURATION: Final = "otelstream.stall.duration"
CHUNK_COUNT: Final = "otelstream.chunks"
CHUNK_COUNT_PREFIX: Final = "otelstream.chunks."
CHUNK_GAP_MEAN: Final = "otelstream.chunk.gap.mean"
CHUNK_GAP_P95: Final = "otelstream.chunk.gap.p95"
CHUNK_GAP_MAX: Final = "otelstream.chunk.gap.max"
CHUNK_RUN_KINDS: Final = "otelstream.chunk.kinds"
CHUNK_RUN_COUNT: Final = "otelstream.chunk.count"
CHUNK_RUN_CHARACTERS: Final = "otelstream.chunk.characters"
CHUNK_RUN_TYPES: Final = "otelstream.chunk.types"
CHUNK_RUN_FIRST_ID: Final = "otelstream.chunk.first_frame_id"
CHUNK_RUN_LAST_ID: Final = "otelstream.chunk.last_frame_id"
CHUNK_RUN_DURATION: Final = "otelstream.chunk.duration"
RECORDING_FILE: Final = "otelstream.recording.file"
RECORDING_SESSION: Final = "otelstream.recording.session_id"
FRAMES_DROPPED: Final = "otelstream.frames_dropped"

_RENAMED: Final[Mapping[str, str]] = {
    USAGE_CACHE_CREATION: "gen_ai.usage.cache_write.input_tokens",
}
"""What `main` calls otherwise."""

_NOT_ON_AGENTS: Final = frozenset({PROVIDER_NAME, AGENT_ID})
"""What `main` took from `invoke_agent` spans of agents in the same process."""


def in_version(attributes: Mapping[str, V], version: Convention) -> Mapping[str, V]:
    """Return attributes of one span under the names of that version of the conventions."""
    if version == "1.41":
        return attributes
    is_agent = attributes.get(OPERATION_NAME) == INVOKE_AGENT
    return {
        _RENAMED.get(key, key): value
        for key, value in attributes.items()
        if not (is_agent and key in _NOT_ON_AGENTS)
    }
