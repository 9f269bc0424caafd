-- Format 2. Append-only tables, no keys and no indexes: that is what survives `kill -9` in DuckDB's WAL.

CREATE TABLE header (
    format_version INTEGER,
    recording_id UUID,
    otelstream_version VARCHAR,
    duckdb_version VARCHAR,
    created_at TIMESTAMP
);
COMMENT ON TABLE header IS 'One row: which format this file has, and who made it.';
COMMENT ON COLUMN header.format_version IS 'Integer; a reader refuses a number it does not know.';
COMMENT ON COLUMN header.recording_id IS 'Drawn at random when the file was made.';
COMMENT ON COLUMN header.otelstream_version IS 'Version of the program that made the file.';
COMMENT ON COLUMN header.duckdb_version IS 'Version of DuckDB that made the file.';
COMMENT ON COLUMN header.created_at IS 'UTC.';

CREATE TABLE session_starts (
    session INTEGER,
    session_id UUID,
    started_at TIMESTAMP,
    mode VARCHAR,
    name VARCHAR,
    entry_point VARCHAR,
    conversation_id VARCHAR,
    recorded_as VARCHAR,
    redacted BOOLEAN,
    parent_trace_id VARCHAR,
    parent_span_id VARCHAR,
    parent_sampled BOOLEAN,
    service_name VARCHAR,
    host VARCHAR,
    pid BIGINT,
    otelstream_version VARCHAR,
    crewai_version VARCHAR,
    python_version VARCHAR
);
COMMENT ON TABLE session_starts IS 'One row per session, written with its first frame.';
COMMENT ON COLUMN session_starts.session IS 'Its number in this file; the other tables refer to it.';
COMMENT ON COLUMN session_starts.session_id IS 'UUIDv7: sorts by the time of its start.';
COMMENT ON COLUMN session_starts.started_at IS 'UTC, when the first frame was asked for.';
COMMENT ON COLUMN session_starts.mode IS 'sync or async: which class of session was observed.';
COMMENT ON COLUMN session_starts.name IS 'Flow, crew or model that the first frame names.';
COMMENT ON COLUMN session_starts.entry_point IS 'MODULE:FLOW of a run from the command line, otherwise NULL.';
COMMENT ON COLUMN session_starts.conversation_id IS 'Session id of a conversational turn.';
COMMENT ON COLUMN session_starts.recorded_as IS 'Path of the file that it was recorded into.';
COMMENT ON COLUMN session_starts.redacted IS 'Whether secrets were masked before anything was written.';
COMMENT ON COLUMN session_starts.parent_trace_id IS 'Trace id (hex) of the span that was active in the caller.';
COMMENT ON COLUMN session_starts.parent_span_id IS 'Span id (hex) of the span that was active in the caller.';
COMMENT ON COLUMN session_starts.parent_sampled IS 'Whether that span was sampled.';
COMMENT ON COLUMN session_starts.service_name IS 'OTEL_SERVICE_NAME of the recording process.';
COMMENT ON COLUMN session_starts.host IS 'Host name of the recording process.';
COMMENT ON COLUMN session_starts.pid IS 'Process id of the recording process.';
COMMENT ON COLUMN session_starts.otelstream_version IS 'Version of otelstream that recorded the session.';
COMMENT ON COLUMN session_starts.crewai_version IS 'Installed version of CrewAI, NULL without one.';
COMMENT ON COLUMN session_starts.python_version IS 'Version of Python.';

CREATE TABLE contexts (
    session INTEGER,
    context INTEGER,
    channel VARCHAR,
    namespace VARCHAR[],
    utc_offset INTEGER,
    data JSON USING COMPRESSION zstd
);
COMMENT ON TABLE contexts IS 'What many frames of a session share, so that it is stored once.';
COMMENT ON COLUMN contexts.session IS 'Number of the session.';
COMMENT ON COLUMN contexts.context IS 'Number of the context in its session, from 0.';
COMMENT ON COLUMN contexts.channel IS 'StreamFrame.channel.';
COMMENT ON COLUMN contexts.namespace IS 'StreamFrame.namespace.';
COMMENT ON COLUMN contexts.utc_offset IS 'Offset of the original timestamps in seconds, NULL for naive ones.';
COMMENT ON COLUMN contexts.data IS 'For token frames: StreamFrame.data with "chunk":"" and "tool_call":null in place of their own.';

CREATE TABLE stored_frames (
    session INTEGER,
    ordinal BIGINT,
    context INTEGER,
    offset_ns BIGINT,
    timestamp TIMESTAMP,
    type VARCHAR,
    id UUID,
    seq BIGINT,
    parent_id VARCHAR,
    previous_id VARCHAR,
    chunk VARCHAR,
    tool_call JSON USING COMPRESSION zstd,
    data JSON USING COMPRESSION zstd,
    raw VARCHAR USING COMPRESSION zstd,
    id_text VARCHAR
);
COMMENT ON TABLE stored_frames IS 'One row per frame, in order of arrival; the view frames shows them whole.';
COMMENT ON COLUMN stored_frames.session IS 'Number of the session that the frame belongs to.';
COMMENT ON COLUMN stored_frames.ordinal IS 'Order of arrival in its session: 0, 1, 2, ... without gaps.';
COMMENT ON COLUMN stored_frames.context IS 'Number of the context that holds the rest of it.';
COMMENT ON COLUMN stored_frames.offset_ns IS 'Nanoseconds from the start of the session to the arrival of the frame.';
COMMENT ON COLUMN stored_frames.timestamp IS 'StreamFrame.timestamp in UTC.';
COMMENT ON COLUMN stored_frames.type IS 'StreamFrame.type.';
COMMENT ON COLUMN stored_frames.id IS 'StreamFrame.id, where it is a UUID as the runtime writes them.';
COMMENT ON COLUMN stored_frames.seq IS 'StreamFrame.seq: neither unique nor monotone in a session.';
COMMENT ON COLUMN stored_frames.parent_id IS 'StreamFrame.parent_id.';
COMMENT ON COLUMN stored_frames.previous_id IS 'StreamFrame.previous_id; NULL means the id of the frame before, empty means none.';
COMMENT ON COLUMN stored_frames.chunk IS 'Of a token frame: data.chunk.';
COMMENT ON COLUMN stored_frames.tool_call IS 'Of a token frame: data.tool_call, NULL where that is null or missing.';
COMMENT ON COLUMN stored_frames.data IS 'Of every other frame: StreamFrame.data, the JSON text byte for byte.';
COMMENT ON COLUMN stored_frames.raw IS 'The whole frame as JSON text, only where the columns cannot hold it.';
COMMENT ON COLUMN stored_frames.id_text IS 'StreamFrame.id, where it is anything else.';

CREATE TABLE gaps (
    session INTEGER,
    ordinal BIGINT,
    frames BIGINT,
    reason VARCHAR,
    noticed_at TIMESTAMP
);
COMMENT ON TABLE gaps IS 'Frames that the session emitted and this file does not hold.';
COMMENT ON COLUMN gaps.session IS 'Number of the session.';
COMMENT ON COLUMN gaps.ordinal IS 'They are missing before the frame of this ordinal.';
COMMENT ON COLUMN gaps.frames IS 'How many are missing there.';
COMMENT ON COLUMN gaps.reason IS 'Why, as in otelstream.losses(): queue_full, redaction, recording, ...';
COMMENT ON COLUMN gaps.noticed_at IS 'UTC, when the recorder took note of it.';

CREATE TABLE chain (
    session INTEGER,
    frames BIGINT,
    contexts BIGINT,
    gaps BIGINT,
    digest BLOB
);
COMMENT ON TABLE chain IS 'One row per commit and session: a hash over everything that the session holds so far.';
COMMENT ON COLUMN chain.session IS 'Number of the session.';
COMMENT ON COLUMN chain.frames IS 'How many frames of the session it covers.';
COMMENT ON COLUMN chain.contexts IS 'How many contexts.';
COMMENT ON COLUMN chain.gaps IS 'How many gaps.';
COMMENT ON COLUMN chain.digest IS 'SHA-256 over the digest before it and the rows of this commit; see docs/FORMAT.md.';

CREATE TABLE stored_spans (
    session INTEGER,
    span_id VARCHAR,
    parent_span_id VARCHAR,
    name VARCHAR,
    operation VARCHAR,
    frame_id VARCHAR,
    frame_type VARCHAR,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    duration_ns BIGINT,
    left_open BOOLEAN,
    error_type VARCHAR,
    error_message VARCHAR,
    model VARCHAR,
    provider VARCHAR,
    agent VARCHAR,
    task VARCHAR,
    tool VARCHAR,
    within_tool BOOLEAN,
    call_id VARCHAR,
    finish_reason VARCHAR,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cached_tokens BIGINT,
    written_tokens BIGINT,
    reasoning_tokens BIGINT,
    first_chunk_ns BIGINT,
    chunks BIGINT,
    attributes JSON USING COMPRESSION zstd
);
COMMENT ON TABLE stored_spans IS 'One row per span, written when it ended: what show and the live export say, as columns.';
COMMENT ON COLUMN stored_spans.session IS 'Number of the session.';
COMMENT ON COLUMN stored_spans.span_id IS 'Span id (hex), as exported by an otelstream provider.';
COMMENT ON COLUMN stored_spans.parent_span_id IS 'Span id (hex) of the parent span, NULL for the session''s root.';
COMMENT ON COLUMN stored_spans.name IS 'Span name.';
COMMENT ON COLUMN stored_spans.operation IS 'First word of the name: chat, execute_tool, invoke_agent, invoke_workflow, task, method, ...';
COMMENT ON COLUMN stored_spans.frame_id IS 'Id of the frame that opened it.';
COMMENT ON COLUMN stored_spans.frame_type IS 'Type of that frame.';
COMMENT ON COLUMN stored_spans.started_at IS 'UTC, to the microsecond.';
COMMENT ON COLUMN stored_spans.ended_at IS 'UTC, to the microsecond.';
COMMENT ON COLUMN stored_spans.duration_ns IS 'Nanoseconds from start to end.';
COMMENT ON COLUMN stored_spans.left_open IS 'Whether no frame ended it, so that its duration says little.';
COMMENT ON COLUMN stored_spans.error_type IS 'Why it failed, NULL if it did not: error.type of the conventions.';
COMMENT ON COLUMN stored_spans.error_message IS 'Text of the failure.';
COMMENT ON COLUMN stored_spans.model IS 'gen_ai.request.model.';
COMMENT ON COLUMN stored_spans.provider IS 'gen_ai.provider.name.';
COMMENT ON COLUMN stored_spans.agent IS 'Role of the agent that did it.';
COMMENT ON COLUMN stored_spans.task IS 'Name of its task, if one was given.';
COMMENT ON COLUMN stored_spans.tool IS 'gen_ai.tool.name.';
COMMENT ON COLUMN stored_spans.within_tool IS 'Whether it is a tool call that another one stands for (MCP): of the two one is counted.';
COMMENT ON COLUMN stored_spans.call_id IS 'The runtime''s id of an LLM call.';
COMMENT ON COLUMN stored_spans.finish_reason IS 'The first finish reason of an LLM call.';
COMMENT ON COLUMN stored_spans.input_tokens IS 'Tokens.';
COMMENT ON COLUMN stored_spans.output_tokens IS 'Tokens.';
COMMENT ON COLUMN stored_spans.cached_tokens IS 'Input tokens read from a cache.';
COMMENT ON COLUMN stored_spans.written_tokens IS 'Input tokens written to a cache.';
COMMENT ON COLUMN stored_spans.reasoning_tokens IS 'Output tokens spent on reasoning.';
COMMENT ON COLUMN stored_spans.first_chunk_ns IS 'Nanoseconds from the start of an LLM call to its first token frame.';
COMMENT ON COLUMN stored_spans.chunks IS 'Token frames of an LLM call.';
COMMENT ON COLUMN stored_spans.attributes IS 'All attributes but content, as a JSON object.';

CREATE TABLE session_ends (
    session INTEGER,
    ended_at TIMESTAMP,
    state VARCHAR,
    frame_count BIGINT,
    frames_dropped BIGINT,
    trace_id VARCHAR,
    result VARCHAR USING COMPRESSION zstd,
    error_type VARCHAR,
    error_message VARCHAR,
    error VARCHAR USING COMPRESSION zstd,
    redactions JSON,
    span_count BIGINT,
    failed_spans BIGINT,
    llm_calls BIGINT,
    tool_calls BIGINT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    digest BLOB
);
COMMENT ON TABLE session_ends IS 'One row per session that ended; a session without one is being recorded, or crashed.';
COMMENT ON COLUMN session_ends.session IS 'Number of the session.';
COMMENT ON COLUMN session_ends.ended_at IS 'UTC.';
COMMENT ON COLUMN session_ends.state IS 'completed, failed, cancelled or crashed.';
COMMENT ON COLUMN session_ends.frame_count IS 'Rows that the session has in stored_frames.';
COMMENT ON COLUMN session_ends.frames_dropped IS 'Frames that the session emitted and this file does not hold.';
COMMENT ON COLUMN session_ends.trace_id IS 'Trace id (hex) under which the spans were exported live.';
COMMENT ON COLUMN session_ends.result IS 'Result of the run as tagged JSON text, NULL if it gave none.';
COMMENT ON COLUMN session_ends.error_type IS 'Qualified class name of the exception of a failed run.';
COMMENT ON COLUMN session_ends.error_message IS 'Its text.';
COMMENT ON COLUMN session_ends.error IS 'The exception as tagged JSON text.';
COMMENT ON COLUMN session_ends.redactions IS 'How often each rule masked something, as a JSON object.';
COMMENT ON COLUMN session_ends.span_count IS 'Rows that the session has in stored_spans.';
COMMENT ON COLUMN session_ends.failed_spans IS 'How many of them failed.';
COMMENT ON COLUMN session_ends.llm_calls IS 'How many of them are LLM calls.';
COMMENT ON COLUMN session_ends.tool_calls IS 'How many of them are tool calls.';
COMMENT ON COLUMN session_ends.input_tokens IS 'Sum over the LLM calls that report it, NULL if none does.';
COMMENT ON COLUMN session_ends.output_tokens IS 'Sum over the LLM calls that report it, NULL if none does.';
COMMENT ON COLUMN session_ends.digest IS 'The chain''s last digest, over this row too; NULL for crashed.';

-- Views: what people and reports ask. Each joins session_starts wherever it reads a table, so that a condition on
-- session_id reaches every scan; of a long recording then only that session is read.

CREATE VIEW sessions AS
SELECT
    s.session_id AS id,
    s.session_id,
    s.session,
    s.name,
    coalesce(e.state, 'recording') AS state,
    s.started_at,
    e.ended_at,
    date_diff('microsecond', s.started_at, e.ended_at) / 1e6 AS duration_s,
    s.mode,
    s.entry_point,
    s.conversation_id,
    e.frame_count,
    e.frames_dropped,
    coalesce(e.span_count, p.span_count) AS span_count,
    coalesce(e.failed_spans, p.failed_spans) AS failed_spans,
    coalesce(e.llm_calls, p.llm_calls) AS llm_calls,
    coalesce(e.tool_calls, p.tool_calls) AS tool_calls,
    coalesce(e.input_tokens, p.input_tokens) AS input_tokens,
    coalesce(e.output_tokens, p.output_tokens) AS output_tokens,
    e.error_type,
    e.error_message,
    e.error,
    e.result,
    e.redactions,
    e.trace_id,
    s.parent_trace_id,
    s.parent_span_id,
    s.parent_sampled,
    s.recorded_as,
    s.redacted,
    s.service_name,
    s.host,
    s.pid,
    s.otelstream_version,
    s.crewai_version,
    s.python_version
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
LEFT JOIN (
    SELECT
        session,
        count(*) AS span_count,
        count(error_type) AS failed_spans,
        count_if(operation = 'chat') AS llm_calls,
        count_if(operation = 'execute_tool' AND NOT within_tool) AS tool_calls,
        sum(input_tokens)::BIGINT AS input_tokens,
        sum(output_tokens)::BIGINT AS output_tokens
    FROM stored_spans
    WHERE session NOT IN (SELECT session FROM session_ends WHERE span_count IS NOT NULL)
    GROUP BY session
) AS p ON p.session = s.session
ORDER BY s.started_at, s.session_id;
COMMENT ON VIEW sessions IS 'Every session: how it started, how it ended, and what it took. In the order of their start.';
COMMENT ON COLUMN sessions.id IS 'The same as session_id.';
COMMENT ON COLUMN sessions.session_id IS 'UUIDv7: sorts by the time of its start.';
COMMENT ON COLUMN sessions.session IS 'Its number in its file.';
COMMENT ON COLUMN sessions.name IS 'Flow, crew or model that the first frame names.';
COMMENT ON COLUMN sessions.state IS 'completed, failed, cancelled, crashed, or recording while it has no end.';
COMMENT ON COLUMN sessions.started_at IS 'UTC, when the first frame was asked for.';
COMMENT ON COLUMN sessions.ended_at IS 'UTC; NULL while it is being recorded.';
COMMENT ON COLUMN sessions.duration_s IS 'Seconds from start to end.';
COMMENT ON COLUMN sessions.mode IS 'sync or async: which class of session was observed.';
COMMENT ON COLUMN sessions.entry_point IS 'MODULE:FLOW of a run from the command line, otherwise NULL.';
COMMENT ON COLUMN sessions.conversation_id IS 'Session id of a conversational turn.';
COMMENT ON COLUMN sessions.frame_count IS 'Frames that the recording holds of it; NULL while it is being recorded.';
COMMENT ON COLUMN sessions.frames_dropped IS 'Frames that it emitted and the recording does not hold.';
COMMENT ON COLUMN sessions.span_count IS 'Spans that have ended; NULL where none is known, as in recordings of format 1.';
COMMENT ON COLUMN sessions.failed_spans IS 'How many of them failed; one failure fails every span around it.';
COMMENT ON COLUMN sessions.llm_calls IS 'How many of them are LLM calls.';
COMMENT ON COLUMN sessions.tool_calls IS 'How many of them are tool calls.';
COMMENT ON COLUMN sessions.input_tokens IS 'Sum over the LLM calls that report it, NULL if none does.';
COMMENT ON COLUMN sessions.output_tokens IS 'Sum over the LLM calls that report it, NULL if none does.';
COMMENT ON COLUMN sessions.error_type IS 'Qualified class name of the exception of a failed run.';
COMMENT ON COLUMN sessions.error_message IS 'Its text.';
COMMENT ON COLUMN sessions.error IS 'The exception as tagged JSON text.';
COMMENT ON COLUMN sessions.result IS 'Result of the run as tagged JSON text, NULL if it gave none.';
COMMENT ON COLUMN sessions.redactions IS 'How often each rule masked something, as a JSON object.';
COMMENT ON COLUMN sessions.trace_id IS 'Trace id (hex) under which the spans were exported live.';
COMMENT ON COLUMN sessions.parent_trace_id IS 'Trace id (hex) of the span that was active in the caller.';
COMMENT ON COLUMN sessions.parent_span_id IS 'Span id (hex) of the span that was active in the caller.';
COMMENT ON COLUMN sessions.parent_sampled IS 'Whether that span was sampled.';
COMMENT ON COLUMN sessions.recorded_as IS 'Path of the file that it was recorded into.';
COMMENT ON COLUMN sessions.redacted IS 'Whether secrets were masked before anything was written.';
COMMENT ON COLUMN sessions.service_name IS 'OTEL_SERVICE_NAME of the recording process.';
COMMENT ON COLUMN sessions.host IS 'Host name of the recording process.';
COMMENT ON COLUMN sessions.pid IS 'Process id of the recording process.';
COMMENT ON COLUMN sessions.otelstream_version IS 'Version of otelstream that recorded it.';
COMMENT ON COLUMN sessions.crewai_version IS 'Installed version of CrewAI, NULL without one.';
COMMENT ON COLUMN sessions.python_version IS 'Version of Python.';

CREATE VIEW frames AS
SELECT
    f.session_id,
    f.ordinal,
    f.offset_ns,
    coalesce(f.id_text, f.id::VARCHAR) AS id,
    f.seq,
    f.type,
    c.channel,
    c.namespace,
    f.timestamp,
    c.utc_offset,
    f.parent_id,
    CASE WHEN f.previous_id IS NULL THEN b.id ELSE nullif(f.previous_id, '') END AS previous_id,
    f.chunk,
    coalesce(
        f.data,
        CASE
            WHEN f.tool_call IS NULL THEN c.head || to_json(f.chunk)::VARCHAR || c.tail
            ELSE
                replace(c.head, '"tool_call":null', '"tool_call":' || f.tool_call::VARCHAR)
                || to_json(f.chunk)::VARCHAR
                || replace(c.tail, '"tool_call":null', '"tool_call":' || f.tool_call::VARCHAR)
        END::JSON
    ) AS data,
    f.raw IS NOT NULL AS irregular,
    f.raw
FROM (
    SELECT s.session_id, f.* FROM stored_frames AS f JOIN session_starts AS s ON s.session = f.session
) AS f
LEFT JOIN (
    SELECT
        s.session_id,
        c.context,
        c.channel,
        c.namespace,
        c.utc_offset,
        split_part(c.data::VARCHAR, '"chunk":""', 1) || '"chunk":' AS head,
        split_part(c.data::VARCHAR, '"chunk":""', 2) AS tail
    FROM contexts AS c
    JOIN session_starts AS s ON s.session = c.session
) AS c ON c.session_id = f.session_id AND c.context = f.context
LEFT JOIN (
    SELECT s.session_id, f.ordinal + 1 AS next, coalesce(f.id_text, f.id::VARCHAR) AS id
    FROM stored_frames AS f
    JOIN session_starts AS s ON s.session = f.session
) AS b ON b.session_id = f.session_id AND b.next = f.ordinal;
COMMENT ON VIEW frames IS 'Every frame whole, as it was recorded.';
COMMENT ON COLUMN frames.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN frames.ordinal IS 'Order of arrival in its session: 0, 1, 2, ...';
COMMENT ON COLUMN frames.offset_ns IS 'Nanoseconds from the start of the session to the arrival of the frame.';
COMMENT ON COLUMN frames.id IS 'StreamFrame.id.';
COMMENT ON COLUMN frames.seq IS 'StreamFrame.seq: neither unique nor monotone in a session.';
COMMENT ON COLUMN frames.type IS 'StreamFrame.type.';
COMMENT ON COLUMN frames.channel IS 'StreamFrame.channel.';
COMMENT ON COLUMN frames.namespace IS 'StreamFrame.namespace.';
COMMENT ON COLUMN frames.timestamp IS 'StreamFrame.timestamp in UTC.';
COMMENT ON COLUMN frames.utc_offset IS 'Offset of the original timestamp in seconds, NULL for a naive one.';
COMMENT ON COLUMN frames.parent_id IS 'StreamFrame.parent_id: the frame that opened the scope around it.';
COMMENT ON COLUMN frames.previous_id IS 'StreamFrame.previous_id: the frame before it in its context.';
COMMENT ON COLUMN frames.chunk IS 'Of a token frame: data.chunk.';
COMMENT ON COLUMN frames.data IS 'StreamFrame.data, the JSON text byte for byte; NaN and Infinity may occur.';
COMMENT ON COLUMN frames.irregular IS 'Whether the columns cannot hold the frame, so that only raw has all of it.';
COMMENT ON COLUMN frames.raw IS 'Such a frame as JSON text.';

CREATE VIEW frame_types AS
SELECT * FROM (VALUES
    ('flow_started', 'opens', 'invoke_workflow'),
    ('flow_finished', 'closes', 'invoke_workflow'),
    ('flow_paused', 'closes', 'invoke_workflow'),
    ('flow_failed', 'fails', 'invoke_workflow'),
    ('method_execution_started', 'opens', 'method'),
    ('method_execution_finished', 'closes', 'method'),
    ('method_execution_paused', 'closes', 'method'),
    ('method_execution_failed', 'fails', 'method'),
    ('conversation_turn_started', 'opens', 'conversation_turn'),
    ('conversation_turn_completed', 'closes', 'conversation_turn'),
    ('conversation_turn_failed', 'fails', 'conversation_turn'),
    ('crew_kickoff_started', 'opens', 'invoke_workflow'),
    ('crew_kickoff_completed', 'closes', 'invoke_workflow'),
    ('crew_kickoff_failed', 'fails', 'invoke_workflow'),
    ('crew_train_started', 'opens', 'invoke_workflow'),
    ('crew_train_completed', 'closes', 'invoke_workflow'),
    ('crew_train_failed', 'fails', 'invoke_workflow'),
    ('crew_test_started', 'opens', 'invoke_workflow'),
    ('crew_test_completed', 'closes', 'invoke_workflow'),
    ('crew_test_failed', 'fails', 'invoke_workflow'),
    ('task_started', 'opens', 'task'),
    ('task_completed', 'closes', 'task'),
    ('task_failed', 'fails', 'task'),
    ('agent_execution_started', 'opens', 'invoke_agent'),
    ('agent_execution_completed', 'closes', 'invoke_agent'),
    ('agent_execution_error', 'fails', 'invoke_agent'),
    ('lite_agent_execution_started', 'opens', 'invoke_agent'),
    ('lite_agent_execution_completed', 'closes', 'invoke_agent'),
    ('lite_agent_execution_error', 'fails', 'invoke_agent'),
    ('llm_call_started', 'opens', 'chat'),
    ('llm_call_completed', 'closes', 'chat'),
    ('llm_call_failed', 'fails', 'chat'),
    ('tool_usage_started', 'opens', 'execute_tool'),
    ('tool_usage_finished', 'closes', 'execute_tool'),
    ('tool_usage_error', 'fails', 'execute_tool'),
    ('mcp_tool_execution_started', 'opens', 'execute_tool'),
    ('mcp_tool_execution_completed', 'closes', 'execute_tool'),
    ('mcp_tool_execution_failed', 'fails', 'execute_tool'),
    ('memory_retrieval_started', 'opens', 'memory_retrieval'),
    ('memory_retrieval_completed', 'closes', 'memory_retrieval'),
    ('memory_retrieval_failed', 'fails', 'memory_retrieval'),
    ('memory_save_started', 'opens', 'upsert_memory'),
    ('memory_save_completed', 'closes', 'upsert_memory'),
    ('memory_save_failed', 'fails', 'upsert_memory'),
    ('memory_query_started', 'opens', 'search_memory'),
    ('memory_query_completed', 'closes', 'search_memory'),
    ('memory_query_failed', 'fails', 'search_memory'),
    ('knowledge_query_started', 'opens', 'knowledge_query'),
    ('knowledge_query_completed', 'closes', 'knowledge_query'),
    ('knowledge_query_failed', 'fails', 'knowledge_query'),
    ('knowledge_search_query_started', 'opens', 'retrieval'),
    ('knowledge_search_query_completed', 'closes', 'retrieval'),
    ('knowledge_search_query_failed', 'fails', 'retrieval'),
    ('llm_guardrail_started', 'opens', 'guardrail'),
    ('llm_guardrail_completed', 'closes', 'guardrail'),
    ('llm_guardrail_failed', 'fails', 'guardrail'),
    ('agent_reasoning_started', 'opens', 'plan'),
    ('agent_reasoning_completed', 'closes', 'plan'),
    ('agent_reasoning_failed', 'fails', 'plan'),
    ('agent_evaluation_started', 'opens', 'evaluation'),
    ('agent_evaluation_completed', 'closes', 'evaluation'),
    ('agent_evaluation_failed', 'fails', 'evaluation'),
    ('mcp_connection_started', 'opens', 'mcp_connection'),
    ('mcp_connection_completed', 'closes', 'mcp_connection'),
    ('mcp_connection_failed', 'fails', 'mcp_connection'),
    ('a2a_delegation_started', 'opens', 'a2a'),
    ('a2a_delegation_completed', 'closes', 'a2a'),
    ('a2a_conversation_started', 'opens', 'a2a'),
    ('a2a_conversation_completed', 'closes', 'a2a'),
    ('a2a_parallel_delegation_started', 'opens', 'a2a'),
    ('a2a_parallel_delegation_completed', 'closes', 'a2a'),
    ('a2a_server_task_started', 'opens', 'a2a'),
    ('a2a_server_task_completed', 'closes', 'a2a'),
    ('a2a_server_task_canceled', 'closes', 'a2a'),
    ('a2a_server_task_failed', 'fails', 'a2a'),
    ('plan_step_started', 'opens', 'plan_step'),
    ('plan_step_completed', 'closes', 'plan_step'),
    ('step_observation_started', 'opens', 'step_observation'),
    ('step_observation_completed', 'closes', 'step_observation'),
    ('step_observation_failed', 'fails', 'step_observation'),
    ('context_window_summarization_started', 'opens', 'context_window_summarization'),
    ('context_window_summarization_completed', 'closes', 'context_window_summarization'),
    ('context_window_summarization_failed', 'fails', 'context_window_summarization'),
    ('checkpoint_started', 'opens', 'checkpoint'),
    ('checkpoint_completed', 'closes', 'checkpoint'),
    ('checkpoint_failed', 'fails', 'checkpoint'),
    ('checkpoint_restore_started', 'opens', 'checkpoint'),
    ('checkpoint_restore_completed', 'closes', 'checkpoint'),
    ('checkpoint_restore_failed', 'fails', 'checkpoint'),
    ('checkpoint_fork_started', 'opens', 'checkpoint'),
    ('checkpoint_fork_completed', 'closes', 'checkpoint'),
    ('skill_discovery_started', 'opens', 'skill_discovery'),
    ('skill_discovery_completed', 'closes', 'skill_discovery'),
    ('llm_stream_chunk', 'token', 'chat'),
    ('llm_thinking_chunk', 'token', 'chat'),
    ('agent_logs_execution', 'minor', NULL),
    ('agent_logs_started', 'minor', NULL),
    ('cc_env', 'minor', NULL),
    ('codex_env', 'minor', NULL),
    ('cursor_env', 'minor', NULL),
    ('default_env', 'minor', NULL),
    ('flow_created', 'minor', NULL),
    ('hook_dispatched', 'minor', NULL)
) AS t (type, role, operation);
COMMENT ON VIEW frame_types IS 'What the types do that have a meaning for spans; every other type is an event.';
COMMENT ON COLUMN frame_types.type IS 'StreamFrame.type.';
COMMENT ON COLUMN frame_types.role IS 'opens, closes or fails a span; token; or minor: an event that says nothing new.';
COMMENT ON COLUMN frame_types.operation IS 'First word of the name of the span, NULL for minor.';

CREATE VIEW spans AS
SELECT
    s.session_id,
    p.span_id,
    p.parent_span_id,
    p.name,
    p.operation,
    p.started_at,
    p.ended_at,
    p.duration_ns / 1e9 AS duration_s,
    p.left_open,
    p.error_type,
    p.error_message,
    p.agent,
    p.task,
    p.tool,
    p.within_tool,
    p.model,
    p.provider,
    p.call_id,
    p.input_tokens,
    p.output_tokens,
    p.cached_tokens,
    p.written_tokens,
    p.reasoning_tokens,
    p.first_chunk_ns / 1e9 AS time_to_first_chunk_s,
    p.chunks,
    p.finish_reason,
    p.frame_id,
    p.frame_type,
    p.attributes
FROM stored_spans AS p
JOIN session_starts AS s ON s.session = p.session;
COMMENT ON VIEW spans IS 'Every span that has ended, as it is exported.';
COMMENT ON COLUMN spans.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN spans.span_id IS 'Span id (hex).';
COMMENT ON COLUMN spans.parent_span_id IS 'Span id (hex) of the span around it, NULL for the session''s root.';
COMMENT ON COLUMN spans.name IS 'Span name.';
COMMENT ON COLUMN spans.operation IS 'First word of the name: chat, execute_tool, invoke_agent, invoke_workflow, task, method, ...';
COMMENT ON COLUMN spans.started_at IS 'UTC.';
COMMENT ON COLUMN spans.ended_at IS 'UTC.';
COMMENT ON COLUMN spans.duration_s IS 'Seconds from start to end.';
COMMENT ON COLUMN spans.left_open IS 'Whether no frame ended it, so that its duration says little.';
COMMENT ON COLUMN spans.error_type IS 'Why it failed, NULL if it did not: error.type of the conventions.';
COMMENT ON COLUMN spans.error_message IS 'Text of the failure.';
COMMENT ON COLUMN spans.agent IS 'Role of the agent that did it.';
COMMENT ON COLUMN spans.task IS 'Name of its task, if one was given.';
COMMENT ON COLUMN spans.tool IS 'Name of the tool.';
COMMENT ON COLUMN spans.within_tool IS 'Whether it is a tool call that another one stands for (MCP): of the two one is counted.';
COMMENT ON COLUMN spans.model IS 'Model that was asked for; of an agent, its model.';
COMMENT ON COLUMN spans.provider IS 'gen_ai.provider.name.';
COMMENT ON COLUMN spans.call_id IS 'The runtime''s id of an LLM call.';
COMMENT ON COLUMN spans.input_tokens IS 'Tokens, of an LLM call; those of a cache included.';
COMMENT ON COLUMN spans.output_tokens IS 'Tokens, of an LLM call.';
COMMENT ON COLUMN spans.cached_tokens IS 'Input tokens read from a cache.';
COMMENT ON COLUMN spans.written_tokens IS 'Input tokens written to a cache.';
COMMENT ON COLUMN spans.reasoning_tokens IS 'Output tokens spent on reasoning.';
COMMENT ON COLUMN spans.time_to_first_chunk_s IS 'Seconds from the start of an LLM call to its first token frame.';
COMMENT ON COLUMN spans.chunks IS 'Token frames, NULL without any.';
COMMENT ON COLUMN spans.finish_reason IS 'The first finish reason of an LLM call.';
COMMENT ON COLUMN spans.frame_id IS 'Id of the frame that opened it.';
COMMENT ON COLUMN spans.frame_type IS 'Type of that frame.';
COMMENT ON COLUMN spans.attributes IS 'All attributes but content, as a JSON object.';

CREATE VIEW llm_calls AS
SELECT
    s.session_id,
    p.call_id,
    p.model,
    p.provider,
    p.agent,
    p.task,
    p.started_at,
    p.ended_at,
    p.duration_ns / 1e9 AS duration_s,
    p.first_chunk_ns / 1e9 AS time_to_first_chunk_s,
    p.input_tokens,
    p.output_tokens,
    p.input_tokens + p.output_tokens AS total_tokens,
    p.cached_tokens,
    p.written_tokens,
    p.reasoning_tokens,
    coalesce(p.chunks, 0) AS chunks,
    p.finish_reason,
    p.error_type,
    p.error_message,
    p.left_open,
    p.span_id,
    p.parent_span_id
FROM stored_spans AS p
JOIN session_starts AS s ON s.session = p.session
WHERE p.operation = 'chat';
COMMENT ON VIEW llm_calls IS 'Every LLM call that has ended; its prompt and its answer are in messages.';
COMMENT ON COLUMN llm_calls.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN llm_calls.call_id IS 'The runtime''s id of the call, as in messages and tokens.';
COMMENT ON COLUMN llm_calls.model IS 'Model that was asked for.';
COMMENT ON COLUMN llm_calls.provider IS 'gen_ai.provider.name: openai, anthropic, ...';
COMMENT ON COLUMN llm_calls.agent IS 'Role of the agent that made it, NULL outside of agents.';
COMMENT ON COLUMN llm_calls.task IS 'Name of the task, if one was given.';
COMMENT ON COLUMN llm_calls.started_at IS 'UTC.';
COMMENT ON COLUMN llm_calls.ended_at IS 'UTC.';
COMMENT ON COLUMN llm_calls.duration_s IS 'Seconds from start to end.';
COMMENT ON COLUMN llm_calls.time_to_first_chunk_s IS 'Seconds until its first token frame, NULL without any.';
COMMENT ON COLUMN llm_calls.input_tokens IS 'Tokens, those of a cache included; NULL where the provider did not say.';
COMMENT ON COLUMN llm_calls.output_tokens IS 'Tokens, NULL where the provider did not say.';
COMMENT ON COLUMN llm_calls.total_tokens IS 'Both together, NULL where the provider did not say.';
COMMENT ON COLUMN llm_calls.cached_tokens IS 'Input tokens read from a cache.';
COMMENT ON COLUMN llm_calls.written_tokens IS 'Input tokens written to a cache.';
COMMENT ON COLUMN llm_calls.reasoning_tokens IS 'Output tokens spent on reasoning.';
COMMENT ON COLUMN llm_calls.chunks IS 'Token frames; 0 for a call that did not stream.';
COMMENT ON COLUMN llm_calls.finish_reason IS 'stop, tool_calls, length, ... as the provider says it.';
COMMENT ON COLUMN llm_calls.error_type IS 'Why it failed, NULL if it did not.';
COMMENT ON COLUMN llm_calls.error_message IS 'Text of the failure.';
COMMENT ON COLUMN llm_calls.left_open IS 'Whether no frame ended it.';
COMMENT ON COLUMN llm_calls.span_id IS 'Its span.';
COMMENT ON COLUMN llm_calls.parent_span_id IS 'The span around it.';

CREATE VIEW tool_calls AS
SELECT
    s.session_id,
    p.tool,
    b.arguments,
    e.result,
    p.agent,
    p.task,
    p.started_at,
    p.ended_at,
    p.duration_ns / 1e9 AS duration_s,
    e.from_cache,
    p.error_type,
    p.error_message,
    p.left_open,
    p.span_id,
    p.parent_span_id
FROM stored_spans AS p
JOIN session_starts AS s ON s.session = p.session
LEFT JOIN (
    SELECT
        s.session_id,
        coalesce(f.id_text, f.id::VARCHAR) AS frame_id,
        any_value(f.data -> '$.tool_args') AS arguments
    FROM stored_frames AS f
    JOIN session_starts AS s ON s.session = f.session
    WHERE f.type IN ('tool_usage_started', 'mcp_tool_execution_started')
    GROUP BY ALL
) AS b ON b.session_id = s.session_id AND b.frame_id = p.frame_id
LEFT JOIN (
    SELECT
        session_id,
        told[1] AS frame_id,
        any_value(coalesce(told[2], told[3])) AS result,
        any_value(try_cast(told[4] AS BOOLEAN)) AS from_cache
    FROM (
        SELECT
            s.session_id,
            json_extract_string(f.data, ['$.started_event_id', '$.output', '$.result', '$.from_cache']) AS told
        FROM stored_frames AS f
        JOIN session_starts AS s ON s.session = f.session
        WHERE f.type IN ('tool_usage_finished', 'mcp_tool_execution_completed')
    )
    GROUP BY ALL
) AS e ON e.session_id = s.session_id AND e.frame_id = p.frame_id
WHERE p.operation = 'execute_tool' AND NOT p.within_tool;
COMMENT ON VIEW tool_calls IS 'Every tool call that has ended, of MCP tools the one around. Over a whole recording spans is faster: it reads no frames.';
COMMENT ON COLUMN tool_calls.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN tool_calls.tool IS 'Name of the tool.';
COMMENT ON COLUMN tool_calls.arguments IS 'What it was called with.';
COMMENT ON COLUMN tool_calls.result IS 'What it returned, as text; NULL if it failed.';
COMMENT ON COLUMN tool_calls.agent IS 'Role of the agent that called it.';
COMMENT ON COLUMN tool_calls.task IS 'Name of the task, if one was given.';
COMMENT ON COLUMN tool_calls.started_at IS 'UTC.';
COMMENT ON COLUMN tool_calls.ended_at IS 'UTC.';
COMMENT ON COLUMN tool_calls.duration_s IS 'Seconds from start to end.';
COMMENT ON COLUMN tool_calls.from_cache IS 'Whether the runtime says that the result came from its cache.';
COMMENT ON COLUMN tool_calls.error_type IS 'Why it failed, NULL if it did not.';
COMMENT ON COLUMN tool_calls.error_message IS 'Text of the failure.';
COMMENT ON COLUMN tool_calls.left_open IS 'Whether no frame ended it.';
COMMENT ON COLUMN tool_calls.span_id IS 'Its span.';
COMMENT ON COLUMN tool_calls.parent_span_id IS 'The span around it.';

CREATE VIEW agents AS
SELECT
    s.session_id,
    p.agent,
    min(p.started_at) AS started_at,
    max(p.ended_at) AS ended_at,
    count_if(p.operation = 'invoke_agent') AS executions,
    count_if(p.operation = 'invoke_agent' AND p.error_type IS NOT NULL) AS failed_executions,
    sum(p.duration_ns) FILTER (p.operation = 'invoke_agent' AND NOT p.left_open)::DOUBLE / 1e9 AS busy_s,
    max(p.model) FILTER (p.operation = 'invoke_agent') AS model,
    count_if(p.operation = 'chat') AS llm_calls,
    count_if(p.operation = 'execute_tool' AND NOT p.within_tool) AS tool_calls,
    count_if(
        p.operation IN ('chat', 'execute_tool') AND NOT p.within_tool AND p.error_type IS NOT NULL
    ) AS failed_calls,
    sum(p.input_tokens)::BIGINT AS input_tokens,
    sum(p.output_tokens)::BIGINT AS output_tokens
FROM stored_spans AS p
JOIN session_starts AS s ON s.session = p.session
WHERE p.agent IS NOT NULL
GROUP BY s.session_id, p.agent;
COMMENT ON VIEW agents IS 'Every agent of a session, by its role, with what it did.';
COMMENT ON COLUMN agents.session_id IS 'The session.';
COMMENT ON COLUMN agents.agent IS 'Role of the agent.';
COMMENT ON COLUMN agents.started_at IS 'UTC, of the first thing that it did.';
COMMENT ON COLUMN agents.ended_at IS 'UTC, of the last thing that it did.';
COMMENT ON COLUMN agents.executions IS 'How often it was set to work: once per task and retry.';
COMMENT ON COLUMN agents.failed_executions IS 'How many of these failed.';
COMMENT ON COLUMN agents.busy_s IS 'Seconds of all executions together but those that no frame ended, NULL without any.';
COMMENT ON COLUMN agents.model IS 'Model that it was given.';
COMMENT ON COLUMN agents.llm_calls IS 'LLM calls that it made.';
COMMENT ON COLUMN agents.tool_calls IS 'Tools that it called.';
COMMENT ON COLUMN agents.failed_calls IS 'How many of its LLM and tool calls failed.';
COMMENT ON COLUMN agents.input_tokens IS 'Sum over its LLM calls that report it, NULL if none does.';
COMMENT ON COLUMN agents.output_tokens IS 'Sum over its LLM calls that report it, NULL if none does.';

CREATE VIEW tasks AS
SELECT
    s.session_id,
    p.task,
    b.told[1] AS description,
    b.told[2] AS expected_output,
    b.told[3] AS agent,
    p.started_at,
    p.ended_at,
    p.duration_ns / 1e9 AS duration_s,
    e.output,
    p.error_type,
    p.error_message,
    p.left_open,
    p.span_id,
    p.parent_span_id
FROM stored_spans AS p
JOIN session_starts AS s ON s.session = p.session
LEFT JOIN (
    SELECT
        s.session_id,
        coalesce(f.id_text, f.id::VARCHAR) AS frame_id,
        any_value(
            json_extract_string(f.data, ['$.task.description', '$.task.expected_output', '$.task.agent.role'])
        ) AS told
    FROM stored_frames AS f
    JOIN session_starts AS s ON s.session = f.session
    WHERE f.type = 'task_started'
    GROUP BY ALL
) AS b ON b.session_id = s.session_id AND b.frame_id = p.frame_id
LEFT JOIN (
    SELECT session_id, told[1] AS frame_id, any_value(told[2]) AS output
    FROM (
        SELECT s.session_id, json_extract_string(f.data, ['$.started_event_id', '$.output.raw']) AS told
        FROM stored_frames AS f
        JOIN session_starts AS s ON s.session = f.session
        WHERE f.type = 'task_completed'
    )
    GROUP BY ALL
) AS e ON e.session_id = s.session_id AND e.frame_id = p.frame_id
WHERE p.operation = 'task';
COMMENT ON VIEW tasks IS 'Every task of a crew that has ended.';
COMMENT ON COLUMN tasks.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN tasks.task IS 'Its name, if one was given.';
COMMENT ON COLUMN tasks.description IS 'What was asked for.';
COMMENT ON COLUMN tasks.expected_output IS 'What the answer should be like.';
COMMENT ON COLUMN tasks.agent IS 'Role of the agent that it was given to.';
COMMENT ON COLUMN tasks.started_at IS 'UTC.';
COMMENT ON COLUMN tasks.ended_at IS 'UTC.';
COMMENT ON COLUMN tasks.duration_s IS 'Seconds from start to end.';
COMMENT ON COLUMN tasks.output IS 'The answer as text, NULL if there was none.';
COMMENT ON COLUMN tasks.error_type IS 'Why it failed, NULL if it did not.';
COMMENT ON COLUMN tasks.error_message IS 'Text of the failure.';
COMMENT ON COLUMN tasks.left_open IS 'Whether no frame ended it.';
COMMENT ON COLUMN tasks.span_id IS 'Its span.';
COMMENT ON COLUMN tasks.parent_span_id IS 'The span around it.';

CREATE VIEW messages AS
WITH calls AS (
    SELECT
        s.session_id,
        f.ordinal,
        f.timestamp,
        f.type = 'llm_call_completed' AS answered,
        json_extract_string(f.data, ['$.call_id', '$.model', '$.agent_role']) AS told,
        CASE
            WHEN f.type = 'llm_call_completed' THEN [f.data -> '$.response']
            WHEN json_type(f.data, '$.messages') = 'ARRAY' THEN from_json(f.data -> '$.messages', '["JSON"]')
            ELSE [f.data -> '$.messages']
        END AS messages
    FROM stored_frames AS f
    JOIN session_starts AS s ON s.session = f.session
    WHERE f.type IN ('llm_call_started', 'llm_call_completed')
),
each AS (
    SELECT * EXCLUDE (messages), unnest(messages) AS message, generate_subscripts(messages, 1) AS position
    FROM calls
)
SELECT
    session_id,
    told[1] AS call_id,
    ordinal,
    timestamp AS time,
    CASE WHEN answered THEN 'response' ELSE 'prompt' END AS direction,
    position,
    CASE
        WHEN answered THEN 'assistant'
        WHEN json_type(message) = 'VARCHAR' THEN 'user'
        ELSE message ->> '$.role'
    END AS role,
    CASE
        WHEN json_type(message) = 'ARRAY' THEN NULL
        WHEN answered OR json_type(message) = 'VARCHAR' THEN message ->> '$'
        ELSE message ->> '$.content'
    END AS content,
    CASE WHEN json_type(message) = 'ARRAY' THEN message ELSE message -> '$.tool_calls' END AS tool_calls,
    told[2] AS model,
    told[3] AS agent
FROM each
WHERE json_type(message) <> 'NULL';
COMMENT ON VIEW messages IS 'Every message of a prompt and every answer of an LLM call, also of calls that have not ended.';
COMMENT ON COLUMN messages.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN messages.call_id IS 'The LLM call, as in llm_calls.';
COMMENT ON COLUMN messages.ordinal IS 'Place of its frame in the session.';
COMMENT ON COLUMN messages.time IS 'UTC, when the call began or was answered.';
COMMENT ON COLUMN messages.direction IS 'prompt or response.';
COMMENT ON COLUMN messages.position IS 'Place in the prompt, from 1.';
COMMENT ON COLUMN messages.role IS 'system, user, assistant or tool.';
COMMENT ON COLUMN messages.content IS 'Its text; JSON where it is more than text, NULL where it is tool calls only.';
COMMENT ON COLUMN messages.tool_calls IS 'Tool calls that it asks for, as the runtime wrote them down.';
COMMENT ON COLUMN messages.model IS 'Model that was asked for.';
COMMENT ON COLUMN messages.agent IS 'Role of the agent.';

CREATE VIEW tokens AS
SELECT
    f.session_id,
    f.call_id,
    f.ordinal,
    f.timestamp AS time,
    f.kind,
    f.chunk AS text,
    f.tool_call,
    try_cast(
        (epoch_us(f.timestamp) - lag(epoch_us(f.timestamp)) OVER (PARTITION BY f.session_id, f.call_id ORDER BY f.ordinal))::HUGEINT
        * 1000 AS BIGINT
    ) AS gap_ns
FROM (
    SELECT
        s.session_id,
        coalesce(c.call_id, f.data ->> '$.call_id') AS call_id,
        f.ordinal,
        f.timestamp,
        CASE
            WHEN f.type = 'llm_thinking_chunk' THEN 'thinking'
            WHEN coalesce(f.tool_call, nullif(f.data -> '$.tool_call', 'null')) IS NOT NULL THEN 'tool_call'
            WHEN coalesce(c.call_type, f.data ->> '$.call_type') = 'tool_call' THEN 'tool_call'
            ELSE 'text'
        END AS kind,
        coalesce(f.chunk, f.data ->> '$.chunk') AS chunk,
        coalesce(f.tool_call, nullif(f.data -> '$.tool_call', 'null')) AS tool_call
    FROM stored_frames AS f
    JOIN session_starts AS s ON s.session = f.session
    LEFT JOIN (
        SELECT s.session_id, c.context, c.data ->> '$.call_id' AS call_id, c.data ->> '$.call_type' AS call_type
        FROM contexts AS c
        JOIN session_starts AS s ON s.session = c.session
    ) AS c ON c.session_id = s.session_id AND c.context = f.context
    WHERE f.type IN ('llm_stream_chunk', 'llm_thinking_chunk')
) AS f;
COMMENT ON VIEW tokens IS 'Every token frame.';
COMMENT ON COLUMN tokens.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN tokens.call_id IS 'The LLM call, as in llm_calls.';
COMMENT ON COLUMN tokens.ordinal IS 'Place of the frame in the session.';
COMMENT ON COLUMN tokens.time IS 'UTC, when it was emitted.';
COMMENT ON COLUMN tokens.kind IS 'text, thinking or tool_call: what it is a piece of.';
COMMENT ON COLUMN tokens.text IS 'Its text; of tool calls mostly empty.';
COMMENT ON COLUMN tokens.tool_call IS 'The tool call, its arguments as far as they have come.';
COMMENT ON COLUMN tokens.gap_ns IS 'Nanoseconds since the call''s token before, NULL for the first, and beyond 292 years.';

CREATE VIEW errors AS
SELECT
    s.session_id,
    p.ended_at AS time,
    'span' AS source,
    p.name,
    p.operation,
    p.error_type,
    p.error_message,
    p.agent,
    p.task,
    p.tool,
    p.model,
    p.span_id,
    p.frame_id
FROM stored_spans AS p
JOIN session_starts AS s ON s.session = p.session
-- What a failed span inside says as well did not begin here. Texts of a few characters are in any text.
LEFT JOIN (
    SELECT s.session_id, c.parent_span_id, list(coalesce(c.error_message, '')) AS messages
    FROM stored_spans AS c
    JOIN session_starts AS s ON s.session = c.session
    WHERE c.error_type IS NOT NULL
    GROUP BY ALL
) AS c ON c.session_id = s.session_id AND c.parent_span_id = p.span_id
WHERE p.error_type IS NOT NULL
    AND (
        c.session_id IS NULL
        OR len(
            list_filter(
                c.messages,
                lambda m: m = coalesce(p.error_message, '')
                    OR (length(m) >= 4 AND contains(p.error_message, m))
                    OR (length(p.error_message) >= 4 AND contains(m, p.error_message))
            )
        ) = 0
    )
UNION ALL
SELECT
    f.session_id,
    f.timestamp,
    'frame',
    f.type,
    NULL,
    NULL,
    coalesce(f.told[1], f.told[2]),
    f.told[3],
    NULL,
    f.told[4],
    f.told[5],
    NULL,
    f.id
FROM (
    SELECT
        s.session_id,
        f.timestamp,
        f.type,
        f.parent_id,
        coalesce(f.id_text, f.id::VARCHAR) AS id,
        json_extract_string(
            f.data, ['$.error', '$.message', '$.agent_role', '$.tool_name', '$.model']
        ) AS told
    FROM stored_frames AS f
    JOIN session_starts AS s ON s.session = f.session
    LEFT JOIN frame_types AS t ON t.type = f.type
    LEFT JOIN (SELECT DISTINCT session FROM stored_spans) AS p ON p.session = f.session
    WHERE (ends_with(f.type, '_failed') OR ends_with(f.type, '_error'))
        AND (t.role IS DISTINCT FROM 'fails' OR p.session IS NULL)
) AS f
-- The frame that ended a failed span, or in such a span says what it says, is no other failure.
LEFT JOIN (
    SELECT DISTINCT s.session_id, p.ended_at
    FROM stored_spans AS p
    JOIN session_starts AS s ON s.session = p.session
    WHERE p.error_type IS NOT NULL
) AS p ON p.session_id = f.session_id AND p.ended_at = f.timestamp
LEFT JOIN (
    SELECT DISTINCT s.session_id, p.frame_id, p.error_message
    FROM stored_spans AS p
    JOIN session_starts AS s ON s.session = p.session
    WHERE p.error_type IS NOT NULL
) AS m
    ON m.session_id = f.session_id
    AND m.frame_id = f.parent_id
    AND m.error_message = coalesce(f.told[1], f.told[2])
WHERE p.session_id IS NULL AND m.session_id IS NULL;
COMMENT ON VIEW errors IS 'Every failure once: where it began, not the spans around it that failed with it.';
COMMENT ON COLUMN errors.session_id IS 'The session that it belongs to.';
COMMENT ON COLUMN errors.time IS 'UTC.';
COMMENT ON COLUMN errors.source IS 'span, or frame where no span tells of it.';
COMMENT ON COLUMN errors.name IS 'Name of the span, type of the frame.';
COMMENT ON COLUMN errors.operation IS 'First word of the span''s name.';
COMMENT ON COLUMN errors.error_type IS 'Class of the exception, HTTP status, or _OTHER.';
COMMENT ON COLUMN errors.error_message IS 'Text of the failure.';
COMMENT ON COLUMN errors.agent IS 'Role of the agent.';
COMMENT ON COLUMN errors.task IS 'Name of the task, if one was given.';
COMMENT ON COLUMN errors.tool IS 'Name of the tool.';
COMMENT ON COLUMN errors.model IS 'The model.';
COMMENT ON COLUMN errors.span_id IS 'The span that failed.';
COMMENT ON COLUMN errors.frame_id IS 'Id of the frame; of a span, the one that opened it.';

CREATE VIEW timeline AS
WITH RECURSIVE tree AS (
    SELECT p.session, p.span_id, p.frame_id, p.agent, p.task, 0 AS depth
    FROM stored_spans AS p
    WHERE p.parent_span_id IS NULL
    UNION ALL
    SELECT p.session, p.span_id, p.frame_id, p.agent, p.task, t.depth + 1
    FROM stored_spans AS p
    JOIN tree AS t ON t.session = p.session AND t.span_id = p.parent_span_id
    WHERE t.depth < 100
),
moments AS (
    SELECT
        s.session_id,
        s.started_at,
        p.started_at AS time,
        t.depth,
        'span' AS source,
        p.name,
        p.duration_ns / 1e9 AS duration_s,
        p.agent,
        p.task,
        p.error_type,
        p.error_message,
        p.span_id,
        p.frame_id
    FROM stored_spans AS p
    JOIN session_starts AS s ON s.session = p.session
    LEFT JOIN tree AS t ON t.session = p.session AND t.span_id = p.span_id
    UNION ALL
    SELECT
        f.session_id,
        f.started_at,
        f.timestamp,
        1 + coalesce(t.depth, u.depth, 0),
        'frame',
        f.type,
        NULL,
        coalesce(t.agent, u.agent),
        coalesce(t.task, u.task),
        NULL,
        NULL,
        coalesce(t.span_id, u.span_id),
        f.id
    FROM (
        SELECT
            s.session_id,
            s.session,
            s.started_at,
            f.timestamp,
            f.type,
            f.parent_id,
            coalesce(f.id_text, f.id::VARCHAR) AS id
        FROM stored_frames AS f
        JOIN session_starts AS s ON s.session = f.session
        WHERE f.type NOT IN ('llm_stream_chunk', 'llm_thinking_chunk')
            AND f.type NOT IN (SELECT type FROM frame_types)
    ) AS f
    LEFT JOIN tree AS t ON t.session = f.session AND t.frame_id = f.parent_id
    -- A flow of the runtime's own has no span: then it is the span around that flow.
    LEFT JOIN (
        SELECT s.session_id, coalesce(f.id_text, f.id::VARCHAR) AS id, f.parent_id
        FROM stored_frames AS f
        JOIN session_starts AS s ON s.session = f.session
        WHERE f.type = 'flow_started'
    ) AS w ON w.session_id = f.session_id AND w.id = f.parent_id
    LEFT JOIN tree AS u ON u.session = f.session AND u.frame_id = w.parent_id
)
SELECT
    session_id,
    time,
    date_diff('microsecond', started_at, time) / 1e6 AS offset_s,
    depth,
    source,
    name,
    duration_s,
    agent,
    task,
    error_type,
    error_message,
    span_id,
    frame_id
FROM moments
ORDER BY session_id, time, depth;
COMMENT ON VIEW timeline IS 'The spans of a session and the events between them, in the order of their time.';
COMMENT ON COLUMN timeline.session_id IS 'The session.';
COMMENT ON COLUMN timeline.time IS 'UTC; of a span, when it started.';
COMMENT ON COLUMN timeline.offset_s IS 'The same in seconds after the start of the session.';
COMMENT ON COLUMN timeline.depth IS 'How many spans are around it.';
COMMENT ON COLUMN timeline.source IS 'span, or frame for an event.';
COMMENT ON COLUMN timeline.name IS 'Name of the span, type of the frame.';
COMMENT ON COLUMN timeline.duration_s IS 'Seconds that the span took.';
COMMENT ON COLUMN timeline.agent IS 'Role of the agent.';
COMMENT ON COLUMN timeline.task IS 'Name of the task, if one was given.';
COMMENT ON COLUMN timeline.error_type IS 'Why the span failed, NULL if it did not.';
COMMENT ON COLUMN timeline.error_message IS 'Text of the failure.';
COMMENT ON COLUMN timeline.span_id IS 'The span; of an event, the one that it is in.';
COMMENT ON COLUMN timeline.frame_id IS 'Id of the frame; of a span, the one that opened it.';
