/* Which flows ran, how often did they fail, and how long did they take?

name           flow, crew or model that the first frame of a run names
runs           observed sessions: of a flow, a turn of a chat, or a call by itself. A crew or an agent inside of
               a flow is no run
completed      runs that gave a result; failed raised; cancelled were closed or forgotten by their consumer;
               crashed died with their process
unended        runs without an end: they run now, or their process died and nobody has written the file since,
               which `otelstream ls` tells apart
failure_share  failed and crashed of those that have an end, from 0 to 1; NULL without any. On the dashboard a run
               that gave a result has failed, too, if its outermost span did
untimed        runs whose outermost span no frame ended (cancelled, crashed, unended), or that have no spans:
               nobody knows how long they took
p50_s, p95_s   seconds of that span: half of the timed runs, or 95 of 100, took no longer. A duration that did
               occur: of fewer than 20 runs p95_s is the longest
longest_s      seconds, of the run longest_session_id
llm_calls      of all runs, with those that failed; NULL where no run has spans
input_tokens   of the calls that report them, NULL if none does; output_tokens likewise
last_at        UTC, when the last of them began

Limits: reads columns of sessions and spans and no frames. Durations are those of the runtime's frames, without
what the consumer did before the first and after the last. Runs of one name may be of different programs. Of
recordings of format 1 there are numbers and states, and nothing else. */
WITH roots AS (
    SELECT session_id, any_value(duration_s) AS duration_s
    FROM spans
    WHERE parent_span_id IS NULL AND NOT left_open
    GROUP BY session_id
),
names AS (
    SELECT
        s.name,
        count(*) AS runs,
        count(*) FILTER (s.state = 'completed') AS completed,
        count(*) FILTER (s.state = 'failed') AS failed,
        count(*) FILTER (s.state = 'cancelled') AS cancelled,
        count(*) FILTER (s.state = 'crashed') AS crashed,
        count(*) FILTER (s.state = 'recording') AS unended,
        count(*) - count(r.duration_s) AS untimed,
        quantile_disc(r.duration_s, 0.5) AS p50_s,
        quantile_disc(r.duration_s, 0.95) AS p95_s,
        max({duration_s: r.duration_s, session_id: s.session_id}) FILTER (r.duration_s IS NOT NULL) AS longest,
        sum(s.llm_calls)::BIGINT AS llm_calls,
        sum(s.input_tokens)::BIGINT AS input_tokens,
        sum(s.output_tokens)::BIGINT AS output_tokens,
        max(s.started_at) AS last_at
    FROM sessions AS s
    LEFT JOIN roots AS r ON r.session_id = s.session_id
    GROUP BY s.name
)
SELECT
    name,
    runs,
    completed,
    failed,
    cancelled,
    crashed,
    unended,
    round((failed + crashed) / nullif(runs - unended, 0), 6) AS failure_share,
    untimed,
    p50_s,
    p95_s,
    longest.duration_s AS longest_s,
    longest.session_id AS longest_session_id,
    llm_calls,
    input_tokens,
    output_tokens,
    last_at
FROM names
ORDER BY runs DESC, name
