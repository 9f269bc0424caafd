/* What became of one run?

The run is the last one, or that of `otelstream stats --session`.

state         completed, failed (it raised), cancelled (closed or forgotten by its consumer), crashed (it died
              with its process), or recording: it has no end, so it runs now or its process died
ended_at      UTC; NULL while it has no end; of a crashed run, when that was found out
duration_s    seconds from the start to the end of its outermost span; NULL where no frame ended that
frame_count   frames that the recording holds, NULL while the run has no end; frames_dropped that it does not hold
failed_spans  of span_count, all of them; one failure fails every span around it
llm_calls     with those that failed; tool_calls likewise
input_tokens  of the calls that report them, NULL if none does; output_tokens likewise
error_type    class of the exception that it raised; error_message the beginning of its text
trace_id      hex, of the trace that was exported while it ran; conversation_id of the chat that it is a turn of

Limits: reads columns of sessions and spans and no frames. What of a run that is not over was still open has no
span yet. Of recordings of format 1 no spans, calls and tokens are known. */
WITH chosen AS (
    SELECT session_id
    FROM sessions
    WHERE session_id = coalesce(getvariable('session')::UUID, session_id)
    ORDER BY started_at DESC, session_id DESC
    LIMIT 1
)
SELECT
    s.session_id,
    s.name AS session,
    s.state,
    s.started_at,
    s.ended_at,
    r.duration_s,
    s.frame_count,
    s.frames_dropped,
    s.span_count,
    s.failed_spans,
    s.llm_calls,
    s.tool_calls,
    s.input_tokens,
    s.output_tokens,
    s.error_type,
    left(s.error_message, 200) AS error_message,
    s.conversation_id,
    s.trace_id
FROM sessions AS s
LEFT JOIN (
    SELECT session_id, any_value(duration_s) AS duration_s
    FROM spans
    WHERE parent_span_id IS NULL AND NOT left_open AND session_id IN (FROM chosen)
    GROUP BY session_id
) AS r ON r.session_id = s.session_id
WHERE s.session_id IN (FROM chosen)
