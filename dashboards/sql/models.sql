/* How did the LLM calls of each model go: tokens, waiting, speed, failures?

calls                 LLM calls that have ended, or were open when their session ended
failed_calls          calls that ended with an error
failure_share         failed_calls of the calls that ended, from 0 to 1; NULL without any
error_types           of the failures
left_open_calls       calls that no frame ended; they are neither failed nor timed
p50_s, p95_s          seconds: half of the calls that ended without an error, or 95 of 100, took no longer. A
                      duration that did occur: of fewer than 20 calls p95_s is the longest
first_token_p50_s     seconds from the start of a call to its first token frame; first_token_p95_s likewise
streamed_calls        calls with a token frame, so with such a time
output_tokens_per_s   output tokens a second between the first token frame and the end of the call, over all
                      calls that streamed, ended without an error and report their tokens; NULL without any
unreported_calls      calls without a number of input or of output tokens
input_tokens          of the calls that report them, NULL if none does; cached_tokens are part of them
output_tokens         with reasoning_tokens, which are part of them

Limits: reads columns of spans and no frames. The tokens of an agent or a crew are those of its calls, and are not
counted again. What a client repeats by itself is in the times. Pauses between tokens are in the view tokens. What
it costs is another report, cost_by_model_and_day. Recordings of format 1 have no spans. */
WITH calls AS (
    SELECT
        *,
        error_type IS NOT NULL AND NOT left_open AS failed,
        CASE WHEN error_type IS NULL AND NOT left_open THEN duration_s END AS timed_s,
        CASE
            WHEN error_type IS NULL AND NOT left_open AND output_tokens > 0
                THEN nullif(duration_s - time_to_first_chunk_s, 0)
        END AS speaking_s
    FROM llm_calls
)
SELECT
    model,
    provider,
    count(*) AS calls,
    count(*) FILTER (failed) AS failed_calls,
    round(count(*) FILTER (failed) / nullif(count(*) FILTER (NOT left_open), 0), 6) AS failure_share,
    string_agg(DISTINCT error_type, ', ' ORDER BY error_type) FILTER (failed) AS error_types,
    count(*) FILTER (left_open) AS left_open_calls,
    quantile_disc(timed_s, 0.5) AS p50_s,
    quantile_disc(timed_s, 0.95) AS p95_s,
    quantile_disc(time_to_first_chunk_s, 0.5) AS first_token_p50_s,
    quantile_disc(time_to_first_chunk_s, 0.95) AS first_token_p95_s,
    count(time_to_first_chunk_s) AS streamed_calls,
    round(sum(output_tokens) FILTER (speaking_s > 0) / sum(speaking_s) FILTER (speaking_s > 0), 3)
        AS output_tokens_per_s,
    count(*) FILTER (input_tokens IS NULL OR output_tokens IS NULL) AS unreported_calls,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(cached_tokens)::BIGINT AS cached_tokens,
    sum(output_tokens)::BIGINT AS output_tokens,
    sum(reasoning_tokens)::BIGINT AS reasoning_tokens
FROM calls
GROUP BY model, provider
ORDER BY calls DESC, model, provider
