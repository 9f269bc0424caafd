/* How long does each model take to its first token?

calls            LLM calls that have ended, or were open when their session ended
untimed_calls    calls without a token frame: they did not stream, or failed before the first
left_open_calls  calls that no frame ended; timed if a token came, for that moment was seen
p50_s, p95_s     seconds from the start of the call to its first token frame: half of the timed calls, or 95
                 of 100, took no longer. A time that did occur: of fewer than 20 calls p95_s is the longest
longest_s        seconds, of the call longest_span_id in session_id

Limits: reads columns of spans and no frames. The first token may be thinking, or a piece of a tool call.
The times are those of the runtime's frames: the import of a client is in the first call of a process, and
what a client repeats by itself is in the wait. Recordings of format 1 have no spans. */
WITH models AS (
    SELECT
        model,
        provider,
        count(*) AS calls,
        count(*) - count(time_to_first_chunk_s) AS untimed_calls,
        count(*) FILTER (left_open) AS left_open_calls,
        quantile_disc(time_to_first_chunk_s, 0.5) AS p50_s,
        quantile_disc(time_to_first_chunk_s, 0.95) AS p95_s,
        max({wait_s: time_to_first_chunk_s, session_id: session_id, span_id: span_id})
            FILTER (time_to_first_chunk_s IS NOT NULL) AS longest
    FROM llm_calls
    GROUP BY model, provider
)
SELECT
    * EXCLUDE (longest),
    longest.wait_s AS longest_s,
    longest.session_id,
    longest.span_id AS longest_span_id
FROM models
ORDER BY p95_s DESC NULLS LAST, model, provider
