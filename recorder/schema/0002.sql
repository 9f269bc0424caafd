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
    call_id VARCHAR,
    finish_reason VARCHAR,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cached_tokens BIGINT,
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
COMMENT ON COLUMN stored_spans.call_id IS 'The runtime''s id of an LLM call.';
COMMENT ON COLUMN stored_spans.finish_reason IS 'The first finish reason of an LLM call.';
COMMENT ON COLUMN stored_spans.input_tokens IS 'Tokens.';
COMMENT ON COLUMN stored_spans.output_tokens IS 'Tokens.';
COMMENT ON COLUMN stored_spans.cached_tokens IS 'Input tokens read from a cache.';
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
COMMENT ON COLUMN session_ends.input_tokens IS 'Sum over the LLM calls.';
COMMENT ON COLUMN session_ends.output_tokens IS 'Sum over the LLM calls.';
COMMENT ON COLUMN session_ends.digest IS 'The chain''s last digest, over this row too; NULL for crashed.';

CREATE VIEW sessions AS
SELECT
    s.* EXCLUDE (session, session_id),
    s.session_id AS id,
    s.session,
    e.* EXCLUDE (session, state, digest),
    coalesce(e.state, 'recording') AS state,
    date_diff('microsecond', s.started_at, e.ended_at) / 1e6 AS duration_s
FROM session_starts AS s
LEFT JOIN session_ends AS e ON e.session = s.session
ORDER BY s.started_at, s.session_id;
COMMENT ON VIEW sessions IS 'Every session with what is known of its start and its end; state is recording while it has no end.';

CREATE VIEW frames AS
SELECT
    s.session_id,
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
    CASE
        WHEN f.previous_id IS NULL THEN lag(coalesce(f.id_text, f.id::VARCHAR)) OVER (PARTITION BY s.session_id ORDER BY f.ordinal)
        ELSE nullif(f.previous_id, '')
    END AS previous_id,
    f.chunk,
    coalesce(
        f.data,
        replace(
            replace(c.data::VARCHAR, '"chunk":""', '"chunk":' || to_json(f.chunk)::VARCHAR),
            '"tool_call":null',
            '"tool_call":' || coalesce(f.tool_call::VARCHAR, 'null')
        )::JSON
    ) AS data,
    f.raw IS NOT NULL AS irregular,
    f.raw
FROM stored_frames AS f
JOIN session_starts AS s ON s.session = f.session
LEFT JOIN contexts AS c ON c.session = f.session AND c.context = f.context;
COMMENT ON VIEW frames IS 'Every frame whole, as it was recorded.';

CREATE VIEW spans AS
SELECT s.session_id, p.* EXCLUDE (session), p.duration_ns / 1e9 AS duration_s, p.first_chunk_ns / 1e9 AS time_to_first_chunk_s
FROM stored_spans AS p
JOIN session_starts AS s ON s.session = p.session;
COMMENT ON VIEW spans IS 'Every span that has ended, with its session.';
