/* Which agents and tools are slow, and which of them fail?

operation       invoke_agent: the rows of agents, by role; execute_tool: those of tools
name            role of the agent, or name of the tool
executions      how often it was set to work, or called: those that have ended, or were open when their session
                ended
failed          those that ended with an error; they are timed like the others
failure_share   failed of those that ended, from 0 to 1; NULL without any
left_open       those that no frame ended: nobody knows how long they took, so no time has them in it
p50_s, p95_s    seconds: half of the timed executions, or 95 of 100, took no longer. A duration that did occur:
                of fewer than 20 p95_s is the longest
total_s         seconds of all timed executions together, also of those that ran at the same time
longest_s       seconds, of longest_span_id in session_id
llm_calls       calls that an agent made, also of agents of that role without an execution of their own; NULL for
                a tool. tool_calls likewise
input_tokens    of those LLM calls that report them, NULL if none does, and for a tool; output_tokens likewise

Limits: reads columns of spans and no frames. An agent's time has its calls and tools in it, so rows must not be
added up. A tool of an MCP server is one call. What was tried again is another report, retries_and_failures.
Recordings of format 1 have no spans. */
WITH executions AS (
    SELECT
        operation,
        CASE operation WHEN 'execute_tool' THEN tool ELSE agent END AS name,
        count(*) AS executions,
        count(*) FILTER (error_type IS NOT NULL AND NOT left_open) AS failed,
        count(*) FILTER (left_open) AS left_open,
        quantile_disc(duration_s, 0.5) FILTER (NOT left_open) AS p50_s,
        quantile_disc(duration_s, 0.95) FILTER (NOT left_open) AS p95_s,
        round(sum(duration_s) FILTER (NOT left_open), 6) AS total_s,
        max({duration_s: duration_s, session_id: session_id, span_id: span_id})
            FILTER (NOT left_open) AS longest
    FROM spans
    WHERE operation IN ('invoke_agent', 'execute_tool') AND NOT within_tool
    GROUP BY ALL
),
calls AS (
    SELECT
        agent,
        count(*) FILTER (operation = 'chat') AS llm_calls,
        count(*) FILTER (operation = 'execute_tool') AS tool_calls,
        sum(input_tokens) FILTER (operation = 'chat')::BIGINT AS input_tokens,
        sum(output_tokens) FILTER (operation = 'chat')::BIGINT AS output_tokens
    FROM spans
    WHERE operation IN ('chat', 'execute_tool') AND NOT within_tool AND agent IS NOT NULL
    GROUP BY agent
)
SELECT
    e.operation,
    e.name,
    e.executions,
    e.failed,
    round(e.failed / nullif(e.executions - e.left_open, 0), 6) AS failure_share,
    e.left_open,
    e.p50_s,
    e.p95_s,
    e.total_s,
    e.longest.duration_s AS longest_s,
    e.longest.session_id AS session_id,
    e.longest.span_id AS longest_span_id,
    CASE e.operation WHEN 'invoke_agent' THEN coalesce(c.llm_calls, 0) END AS llm_calls,
    CASE e.operation WHEN 'invoke_agent' THEN coalesce(c.tool_calls, 0) END AS tool_calls,
    c.input_tokens,
    c.output_tokens
FROM executions AS e
LEFT JOIN calls AS c ON c.agent = e.name AND e.operation = 'invoke_agent'
ORDER BY e.operation DESC, e.p95_s DESC NULLS LAST, e.name
