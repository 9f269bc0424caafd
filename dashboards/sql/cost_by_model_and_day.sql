/* What did the LLM calls of each model cost on each day?

A recording holds tokens and no prices. The prices below are EXAMPLE FIGURES of 26 November 2026, checked
against no price list: put in those of your own contract, in USD per million tokens. A model has the price
of its own name, or of the longest name that it continues after -, @ or : (gpt-4o-mini-2024-07-18 has that
of gpt-4o-mini); read in price_of whether that is right, as gpt-4o-audio-preview has that of gpt-4o. A model
that is called provider/name needs a row that is called so, too.

day               UTC, when the call began
unreported_calls  calls without a number of input or of output tokens: the provider gave none, or the call
                  failed
input_tokens      of the calls that report them, NULL if none does; the next two are part of them
cached_tokens     read from the provider's cache; where none are reported, all input has the full price
written_tokens    written into the provider's cache, where that has a price of its own
output_tokens     with those spent on reasoning
unpriced_calls    calls that are not in cost_usd: no tokens, no price, or more tokens in the cache than in
                  the input
cost_usd          USD, of all other calls; NULL if there are none

Limits: reads columns of spans and no frames. A call that failed may have been billed. No prices by length
of the prompt, no discounts, no images, no embeddings. Recordings of format 1 have no spans. */
WITH prices (name, input, cached, written, output) AS (
    VALUES
        ('gpt-4o', 2.50, 1.25, 2.50, 10.00),
        ('gpt-4o-mini', 0.15, 0.075, 0.15, 0.60),
        ('gpt-4.1', 2.00, 0.50, 2.00, 8.00),
        ('gpt-4.1-mini', 0.40, 0.10, 0.40, 1.60),
        ('claude-sonnet-4', 3.00, 0.30, 3.75, 15.00),
        ('gemini-2.5-flash', 0.30, 0.075, 0.30, 2.50)
),
calls AS (
    SELECT
        started_at::DATE AS day,
        model,
        input_tokens,
        cached_tokens,
        written_tokens,
        output_tokens
    FROM spans
    WHERE operation = 'chat'
),
priced AS (
    SELECT m.model, p.*
    FROM (SELECT DISTINCT model FROM calls) AS m
    JOIN prices AS p
        ON starts_with(m.model, p.name) AND substr(m.model, length(p.name) + 1, 1) IN ('', '-', '@', ':')
    QUALIFY row_number() OVER (PARTITION BY m.model ORDER BY length(p.name) DESC) = 1
),
costs AS (
    SELECT
        c.*,
        p.name AS price_of,
        CASE
            WHEN coalesce(c.cached_tokens, 0) + coalesce(c.written_tokens, 0) <= c.input_tokens THEN
                (c.input_tokens - coalesce(c.cached_tokens, 0) - coalesce(c.written_tokens, 0)) * p.input
                + coalesce(c.cached_tokens, 0) * p.cached
                + coalesce(c.written_tokens, 0) * p.written
                + c.output_tokens * p.output
        END AS millionths
    FROM calls AS c
    LEFT JOIN priced AS p ON p.model = c.model
)
SELECT
    day,
    model,
    count(*) AS calls,
    count(*) FILTER (input_tokens IS NULL OR output_tokens IS NULL) AS unreported_calls,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(cached_tokens)::BIGINT AS cached_tokens,
    sum(written_tokens)::BIGINT AS written_tokens,
    sum(output_tokens)::BIGINT AS output_tokens,
    price_of,
    count(*) - count(millionths) AS unpriced_calls,
    round(sum(millionths) / 1e6, 9) AS cost_usd
FROM costs
GROUP BY day, model, price_of
ORDER BY day, cost_usd DESC NULLS LAST, model
