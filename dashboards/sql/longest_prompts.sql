/* Which prompts are the longest?

The 20 LLM calls with the longest prompts, also calls that have not ended.

messages            how many the prompt has
characters          of all of them, with the tool calls that they ask for; of their JSON where a message is
                    more than text, so an image counts with its base64; secrets count as their placeholders
longest_role        whose message is the longest: system, user, assistant or tool
longest_characters  characters of that message
input_tokens        as the provider reports them, NULL if it does not; cached_tokens are part of them
call_id             the call, as in llm_calls and messages

Limits: reads the prompts out of frames, so it takes its time over a large recording. The descriptions of
tools are sent with a prompt, and are not counted. */
WITH prompts AS (
    SELECT
        session_id,
        ordinal,
        any_value(call_id) AS call_id,
        any_value(time) AS started_at,
        any_value(agent) AS agent,
        any_value(model) AS model,
        count(*) AS messages,
        sum(characters)::BIGINT AS characters,
        arg_max(role, (characters, position)) AS longest_role,
        max(characters) AS longest_characters
    FROM (
        SELECT
            *,
            coalesce(length(content), 0)
                + coalesce(length(nullif(tool_calls::VARCHAR, 'null')), 0) AS characters
        FROM messages
        WHERE direction = 'prompt'
    )
    GROUP BY session_id, ordinal
    ORDER BY characters DESC, session_id, ordinal
    LIMIT 20
),
reported AS (
    SELECT
        session_id,
        call_id,
        any_value(agent) AS agent,
        any_value(input_tokens) AS input_tokens,
        any_value(cached_tokens) AS cached_tokens
    FROM llm_calls
    GROUP BY session_id, call_id
    HAVING count(*) = 1
)
SELECT
    p.session_id,
    s.name AS session,
    p.started_at,
    coalesce(p.agent, r.agent) AS agent,
    p.model,
    p.messages,
    p.characters,
    p.longest_role,
    p.longest_characters,
    r.input_tokens,
    r.cached_tokens,
    p.call_id
FROM prompts AS p
JOIN sessions AS s ON s.session_id = p.session_id
LEFT JOIN reported AS r ON r.session_id = p.session_id AND r.call_id = p.call_id
ORDER BY p.characters DESC, p.session_id, p.ordinal
