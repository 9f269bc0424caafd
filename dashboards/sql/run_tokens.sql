/* How many tokens did one run use, call by call?

The run is the last one, or that of `otelstream stats --session`. A row is an LLM call, in the order of their
ends, as tokens are told at the end.

offset_s              seconds from the start of the run's first span to the start of the call
ended_offset_s        seconds to its end
input_tokens          NULL where the provider did not say, as of a failed call
cached_tokens         those of them that were read from the provider's cache
output_tokens         NULL likewise; with those spent on reasoning, which are reasoning_tokens
input_tokens_so_far   of this call and those that ended before it, of those that report them; NULL before the
                      first; output_tokens_so_far likewise
chunks                its token frames; 0 for a call that did not stream
error_type            why it failed, NULL if it did not
left_open             whether no frame ended it; then its end says little
span_id               of its row in spans

Limits: reads columns of spans and no frames. A call that is still open has no row yet. A token frame need not be
a token, so chunks is no number of tokens. Recordings of format 1 have no spans. */
WITH chosen AS (
    SELECT session_id
    FROM sessions
    WHERE session_id = coalesce(getvariable('session')::UUID, session_id)
    ORDER BY started_at DESC, session_id DESC
    LIMIT 1
),
run AS (
    SELECT min(started_at) AS began_at
    FROM spans
    WHERE session_id IN (FROM chosen)
)
SELECT
    c.session_id,
    date_diff('microsecond', r.began_at, c.started_at) / 1e6 AS offset_s,
    date_diff('microsecond', r.began_at, c.ended_at) / 1e6 AS ended_offset_s,
    c.model,
    c.agent,
    c.input_tokens,
    c.cached_tokens,
    c.output_tokens,
    c.reasoning_tokens,
    sum(c.input_tokens) OVER so_far::BIGINT AS input_tokens_so_far,
    sum(c.output_tokens) OVER so_far::BIGINT AS output_tokens_so_far,
    c.chunks,
    c.error_type,
    c.left_open,
    c.span_id
FROM llm_calls AS c
CROSS JOIN run AS r
WHERE c.session_id IN (FROM chosen)
WINDOW so_far AS (ORDER BY c.ended_at, c.started_at, c.span_id ROWS UNBOUNDED PRECEDING)
ORDER BY c.ended_at, c.started_at, c.span_id
