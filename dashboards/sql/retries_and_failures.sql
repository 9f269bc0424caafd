/* What failed, was it tried again, and did that help?

One row for each kind of work that failed or was done again: LLM calls by model, tools, agents by role,
flows, crews, methods and tasks by name. A retry is what spans show: work of the same name in the same
parent span that began after the failed one had ended. An agent's further executions in one task count as
reruns whatever the first came to, for a guardrail may have refused its answer.

subject      model, tool, role or name; NULL for work that has none, as an unnamed task
attempts     spans of that kind
failed       attempts that ended with an error
passed_on    failures that say what a failed span inside says: they did not begin here
retried      failures after which there was another attempt; NULL without a subject: nobody knows what is
             the same
recovered    failures after which another attempt succeeded; NULL likewise
reruns       executions of an agent beyond the first in a task that has ended; NULL for other work
left_open    attempts that no frame ended: nobody knows what came of them, and they are not in failed
error_types  of the failures
last_error   the beginning of the latest failure's text; it ended at last_failed_at (UTC), and is
             last_span_id

Limits: reads columns of spans and no frames. Spans hold no arguments and no prompts: after a failure the
same tool or model asked for something else is a retry, too. What a provider's client repeats by itself is
not seen. A failure fails the work around it, so rows must not be added up. Recordings of format 1 have no
spans. */
WITH siblings AS (
    SELECT
        session_id,
        parent_span_id,
        name,
        max(started_at) AS last_started_at,
        max(started_at) FILTER (error_type IS NULL AND NOT left_open) AS last_success_at
    FROM spans
    WHERE NOT within_tool
    GROUP BY session_id, parent_span_id, name
    HAVING count(error_type) > 0
),
passed AS (
    SELECT DISTINCT a.session_id, a.span_id
    FROM spans AS a
    JOIN spans AS c ON c.session_id = a.session_id AND c.parent_span_id = a.span_id
    WHERE a.error_type IS NOT NULL
        AND c.error_type IS NOT NULL
        AND NOT c.within_tool
        AND (
            c.error_type = a.error_type AND c.error_type <> '_OTHER'
            OR contains(a.error_message, nullif(c.error_message, ''))
            OR contains(c.error_message, nullif(a.error_message, ''))
        )
),
attempts AS (
    SELECT
        a.operation,
        nullif(substr(a.name, length(a.operation) + 2), '') AS subject,
        a.left_open,
        a.error_type IS NOT NULL AND NOT a.left_open AS failed,
        p.span_id IS NOT NULL AS passed_on,
        s.last_started_at > a.ended_at AS retried,
        s.last_success_at > a.ended_at AS recovered,
        CASE WHEN t.span_id IS NOT NULL THEN (a.session_id, a.parent_span_id) END AS task,
        a.error_type,
        {
            ended_at: a.ended_at,
            session_id: a.session_id,
            span_id: a.span_id,
            error: left(a.error_message, 200)
        } AS failure
    FROM spans AS a
    LEFT JOIN siblings AS s
        ON s.session_id = a.session_id AND s.parent_span_id = a.parent_span_id AND s.name = a.name
    LEFT JOIN passed AS p ON p.session_id = a.session_id AND p.span_id = a.span_id
    LEFT JOIN (
        SELECT session_id, span_id
        FROM spans
        WHERE operation = 'task'
    ) AS t ON a.operation = 'invoke_agent' AND t.session_id = a.session_id AND t.span_id = a.parent_span_id
    WHERE NOT a.within_tool
),
kinds AS (
    SELECT
        operation,
        subject,
        count(*) AS attempts,
        count(*) FILTER (failed) AS failed,
        count(*) FILTER (failed AND passed_on) AS passed_on,
        CASE WHEN subject IS NOT NULL THEN count(*) FILTER (failed AND retried) END AS retried,
        CASE WHEN subject IS NOT NULL THEN count(*) FILTER (failed AND recovered) END AS recovered,
        CASE WHEN operation = 'invoke_agent' THEN count(task) - count(DISTINCT task) END AS reruns,
        count(*) FILTER (left_open) AS left_open,
        string_agg(DISTINCT error_type, ', ' ORDER BY error_type) FILTER (failed) AS error_types,
        max(failure) FILTER (failed) AS last
    FROM attempts
    GROUP BY operation, subject
)
SELECT
    * EXCLUDE (last),
    last.error AS last_error,
    last.ended_at AS last_failed_at,
    last.session_id,
    last.span_id AS last_span_id
FROM kinds
WHERE failed > 0 OR reruns > 0
ORDER BY failed DESC, reruns DESC NULLS LAST, operation, subject
