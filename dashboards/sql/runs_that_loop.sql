/* Which runs go round in circles?

What a session did three times or more (`settings` below): an agent called a tool with the same arguments,
a flow executed a method in one run of it, or a model was sent a prompt, word for word the same.

kind      tool, method or prompt
subject   the tool, the method, or the model
agent     role of the agent, NULL outside of agents
times     how often, one after the other or at once
failed    how many of them ended with an error: a loop of failures is a retry that does not help
first_at  UTC, when the first of them began; last_at the last
sample    the beginning of the arguments, or of the prompt's last message

Limits: reads arguments and prompts out of frames, so it takes its time over a large recording. Arguments
are compared as text, prompts by a hash of 64 bits. A flow may loop on purpose. A tool of an MCP server is
judged by the call around the one to the server. Of recordings of format 1, which have no spans, only
prompts are compared. */
WITH settings AS (
    SELECT 3 AS times_at_least
),
calls_of_tools AS (
    SELECT
        t.session_id,
        t.tool AS subject,
        t.agent,
        t.started_at,
        t.error_type IS NOT NULL AND NOT t.left_open AS failed,
        t.arguments::VARCHAR AS sample,
        t.arguments::VARCHAR AS same
    FROM tool_calls AS t
    WHERE t.arguments IS NOT NULL
        AND NOT EXISTS (
            SELECT 1
            FROM spans AS p
            WHERE p.session_id = t.session_id
                AND p.span_id = t.parent_span_id
                AND p.operation = 'execute_tool'
        )
),
executions_of_methods AS (
    SELECT
        session_id,
        substr(name, length(operation) + 2) AS subject,
        agent,
        started_at,
        error_type IS NOT NULL AND NOT left_open AS failed,
        NULL AS sample,
        parent_span_id AS same
    FROM spans
    WHERE operation = 'method'
),
prompts AS (
    SELECT
        p.session_id,
        p.model AS subject,
        p.agent,
        p.started_at,
        f.call_id IS NOT NULL AS failed,
        p.sample,
        p.same
    FROM (
        SELECT
            session_id,
            any_value(model) AS model,
            any_value(agent) AS agent,
            any_value(call_id) AS call_id,
            any_value(time) AS started_at,
            arg_max(left(content, 200), position) AS sample,
            sum(hash(position, role, content, tool_calls::VARCHAR))::VARCHAR AS same
        FROM messages
        WHERE direction = 'prompt'
        GROUP BY session_id, ordinal
    ) AS p
    LEFT JOIN (
        SELECT DISTINCT session_id, call_id
        FROM llm_calls
        WHERE error_type IS NOT NULL AND NOT left_open
    ) AS f ON f.session_id = p.session_id AND f.call_id = p.call_id
),
loops AS (
    SELECT 'tool' AS kind, * FROM calls_of_tools
    UNION ALL
    SELECT 'method', * FROM executions_of_methods
    UNION ALL
    SELECT 'prompt', * FROM prompts
)
SELECT
    l.session_id,
    s.name AS session,
    l.kind,
    l.subject,
    l.agent,
    count(*) AS times,
    count(*) FILTER (l.failed) AS failed,
    min(l.started_at) AS first_at,
    max(l.started_at) AS last_at,
    left(any_value(l.sample), 200) AS sample
FROM loops AS l
JOIN sessions AS s ON s.session_id = l.session_id
GROUP BY l.session_id, s.name, l.kind, l.subject, l.agent, l.same
HAVING times >= (SELECT times_at_least FROM settings)
ORDER BY times DESC, l.session_id, l.kind, l.subject, first_at
