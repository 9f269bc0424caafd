-- Format 1. Append-only tables, no keys and no indexes: that is what survives `kill -9` in DuckDB's WAL.

CREATE TABLE header (
    format_version INTEGER,
    otelstream_version VARCHAR,
    duckdb_version VARCHAR,
    created_at TIMESTAMP
);
COMMENT ON TABLE header IS 'One row: which format this file has, and who made it.';
COMMENT ON COLUMN header.format_version IS 'Integer; a reader refuses a number it does not know.';
COMMENT ON COLUMN header.otelstream_version IS 'Version of the program that made the file.';
COMMENT ON COLUMN header.duckdb_version IS 'Version of DuckDB that made the file.';
COMMENT ON COLUMN header.created_at IS 'UTC.';

CREATE TABLE session_starts (
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
COMMENT ON COLUMN session_starts.session_id IS 'UUIDv7: sorts by the time of its start.';
COMMENT ON COLUMN session_starts.started_at IS 'UTC, when the first frame was asked for.';
COMMENT ON COLUMN session_starts.mode IS 'sync or async: which class of session was observed.';
COMMENT ON COLUMN session_starts.name IS 'Flow, crew or model that the first frame names.';
COMMENT ON COLUMN session_starts.entry_point IS 'MODULE:FLOW of a run from the command line, otherwise NULL.';
COMMENT ON COLUMN session_starts.conversation_id IS 'Session id of a conversational turn.';
COMMENT ON COLUMN session_starts.recorded_as IS 'Path of this file when it was written.';
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

CREATE TABLE frames (
    session_id UUID,
    ordinal BIGINT,
    offset_ns BIGINT,
    id VARCHAR,
    seq BIGINT,
    type VARCHAR,
    channel VARCHAR,
    namespace VARCHAR[],
    timestamp TIMESTAMP,
    utc_offset INTEGER,
    parent_id VARCHAR,
    previous_id VARCHAR,
    data JSON USING COMPRESSION zstd,
    raw VARCHAR USING COMPRESSION zstd
);
COMMENT ON TABLE frames IS 'One row per frame, in order of arrival.';
COMMENT ON COLUMN frames.session_id IS 'Session that the frame belongs to.';
COMMENT ON COLUMN frames.ordinal IS 'Order of arrival in its session: 0, 1, 2, ... without gaps.';
COMMENT ON COLUMN frames.offset_ns IS 'Nanoseconds from the start of the session to the arrival of the frame.';
COMMENT ON COLUMN frames.id IS 'StreamFrame.id.';
COMMENT ON COLUMN frames.seq IS 'StreamFrame.seq: neither unique nor monotone in a session.';
COMMENT ON COLUMN frames.type IS 'StreamFrame.type.';
COMMENT ON COLUMN frames.channel IS 'StreamFrame.channel.';
COMMENT ON COLUMN frames.namespace IS 'StreamFrame.namespace.';
COMMENT ON COLUMN frames.timestamp IS 'StreamFrame.timestamp in UTC.';
COMMENT ON COLUMN frames.utc_offset IS 'Offset of the original timestamp in seconds, NULL for a naive one.';
COMMENT ON COLUMN frames.parent_id IS 'StreamFrame.parent_id.';
COMMENT ON COLUMN frames.previous_id IS 'StreamFrame.previous_id.';
COMMENT ON COLUMN frames.data IS 'StreamFrame.data: the JSON text, byte for byte.';
COMMENT ON COLUMN frames.raw IS 'The whole frame as JSON text, only where the columns cannot hold it.';

CREATE TABLE session_ends (
    session_id UUID,
    ended_at TIMESTAMP,
    state VARCHAR,
    frame_count BIGINT,
    frames_dropped BIGINT,
    trace_id VARCHAR,
    result VARCHAR USING COMPRESSION zstd,
    error_type VARCHAR,
    error_message VARCHAR,
    error VARCHAR USING COMPRESSION zstd
);
COMMENT ON TABLE session_ends IS 'One row per session that ended; a session without one is being recorded, or crashed.';
COMMENT ON COLUMN session_ends.session_id IS 'The session.';
COMMENT ON COLUMN session_ends.ended_at IS 'UTC.';
COMMENT ON COLUMN session_ends.state IS 'completed, failed, cancelled or crashed.';
COMMENT ON COLUMN session_ends.frame_count IS 'Rows that the session has in frames.';
COMMENT ON COLUMN session_ends.frames_dropped IS 'Frames that the session emitted and this file does not hold.';
COMMENT ON COLUMN session_ends.trace_id IS 'Trace id (hex) under which the spans were exported live.';
COMMENT ON COLUMN session_ends.result IS 'Result of the run as tagged JSON text, NULL if it gave none.';
COMMENT ON COLUMN session_ends.error_type IS 'Qualified class name of the exception of a failed run.';
COMMENT ON COLUMN session_ends.error_message IS 'Its text.';
COMMENT ON COLUMN session_ends.error IS 'The exception as tagged JSON text.';

CREATE VIEW sessions AS
SELECT
    s.* EXCLUDE (session_id),
    s.session_id AS id,
    e.* EXCLUDE (session_id, state),
    coalesce(e.state, 'recording') AS state,
    date_diff('microsecond', s.started_at, e.ended_at) / 1e6 AS duration_s
FROM session_starts AS s
LEFT JOIN session_ends AS e USING (session_id)
ORDER BY s.started_at, s.session_id;
COMMENT ON VIEW sessions IS 'Every session with what is known of its start and its end; state is recording while it has no end.';
