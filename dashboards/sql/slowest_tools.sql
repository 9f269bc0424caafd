/* Which tools are slow?

calls             all that have ended, or were open when their session ended
failed_calls      calls that ended with an error; they are timed like the others
from_cache_calls  calls that the runtime says it answered from its cache; they are timed too, and make p50_s
                  small
left_open_calls   calls that no frame ended: nobody knows how long they took, so no time has them in it
p50_s, p95_s      seconds: half of the timed calls, or 95 of 100, took no longer. A duration that did occur:
                  of fewer than 20 calls p95_s is the longest
total_s           seconds of all timed calls together, also of those that ran at the same time
longest_s         seconds, of the call longest_span_id in session_id

Limits: reads columns of spans and no frames. A tool of an MCP server has the runtime's name for it, and is
timed with the connection to the server. Recordings of format 1 have no spans. */
WITH tools AS (
    SELECT
        tool,
        count(*) AS calls,
        count(*) FILTER (error_type IS NOT NULL AND NOT left_open) AS failed_calls,
        count(*) FILTER (attributes ->> '$."crewai.tool.from_cache"' = 'true') AS from_cache_calls,
        count(*) FILTER (left_open) AS left_open_calls,
        quantile_disc(duration_s, 0.5) FILTER (NOT left_open) AS p50_s,
        quantile_disc(duration_s, 0.95) FILTER (NOT left_open) AS p95_s,
        round(sum(duration_s) FILTER (NOT left_open), 6) AS total_s,
        max({duration_s: duration_s, session_id: session_id, span_id: span_id})
            FILTER (NOT left_open) AS longest
    FROM spans
    WHERE operation = 'execute_tool' AND NOT within_tool
    GROUP BY tool
)
SELECT
    * EXCLUDE (longest),
    longest.duration_s AS longest_s,
    longest.session_id,
    longest.span_id AS longest_span_id
FROM tools
ORDER BY p95_s DESC NULLS LAST, tool
