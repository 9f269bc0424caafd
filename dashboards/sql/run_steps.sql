/* What did one run do, step by step?

The run is the last one, or that of `otelstream stats --session`. A row is a span, in the order of their start.

offset_s               seconds from the start of its first span
duration_s             seconds; NULL where no frame ended the step
depth                  how many steps are around it, of those that have a row
step                   name of the span
input_tokens           of an LLM call that reports them, else NULL: what is around a call has none of its own;
                       output_tokens likewise
time_to_first_chunk_s  seconds from the start of an LLM call to its first token frame, NULL without one
left_open              whether no frame ended it
error_type             why it failed, NULL if it did not; error_message the beginning of the text. What is around
                       a failed step says the same again
span_id                of its row in spans

Limits: reads columns of spans and no frames. What of a run that is not over was still open has no span yet. A
tool of an MCP server is two steps, one in the other. Failures that are no spans are in the view errors.
Recordings of format 1 have no spans. */
WITH RECURSIVE chosen AS (
    SELECT session_id
    FROM sessions
    WHERE session_id = coalesce(getvariable('session')::UUID, session_id)
    ORDER BY started_at DESC, session_id DESC
    LIMIT 1
),
steps AS MATERIALIZED (
    SELECT
        session_id,
        started_at,
        ended_at,
        date_diff('microsecond', min(started_at) OVER (), started_at) / 1e6 AS offset_s,
        CASE WHEN NOT left_open THEN duration_s END AS duration_s,
        name AS step,
        operation,
        agent,
        model,
        tool,
        input_tokens,
        output_tokens,
        time_to_first_chunk_s,
        left_open,
        error_type,
        left(error_message, 200) AS error_message,
        span_id,
        parent_span_id
    FROM spans
    WHERE session_id IN (FROM chosen)
),
tree AS (
    SELECT span_id, 0 AS depth
    FROM steps
    WHERE parent_span_id IS NULL OR parent_span_id NOT IN (SELECT span_id FROM steps)
    UNION ALL
    SELECT s.span_id, t.depth + 1
    FROM steps AS s
    JOIN tree AS t ON t.span_id = s.parent_span_id
    WHERE t.depth < 100
)
SELECT
    s.session_id,
    s.started_at,
    s.offset_s,
    s.duration_s,
    t.depth,
    s.* EXCLUDE (session_id, started_at, ended_at, offset_s, duration_s, parent_span_id)
FROM steps AS s
LEFT JOIN tree AS t ON t.span_id = s.span_id
ORDER BY s.started_at, t.depth, s.ended_at DESC, s.span_id
