/* Is the recording whole: which sessions ended how, and which frames are missing?

state              completed, failed, cancelled, crashed; recording: sessions without an end, which run now or
                   whose process died
sessions           how many
without_spans      sessions of which no span is stored: none has ended yet, or they are of format 1
frames             that the recording holds
frames_dropped     frames that the sessions emitted and the recording does not hold
gaps               places at which frames are missing; NULL where none are known though frames are missing, as of
                   format 1
dropped_by_reason  how many frames are missing for which reason: queue_full, redaction, recording, frame, as in
                   otelstream.losses(), or damaged after `otelstream recover`; NULL where none are, and for
                   format 1, which does not say
commits            of frames, NULL where none are known, as of format 1 and of text
frames_per_commit  frames of a commit on average
left_open_spans    spans that no frame ended
masked             how many secrets were masked in them, NULL where none was
last_at            UTC, when the last of them began

Limits: reads columns of sessions and spans, and of frames only those of sessions without an end. Sessions
that were never recorded are in no recording. How long a commit took is a metric, otelstream.commit.duration.
Whether what is there is undamaged is for `otelstream doctor` to say. */
WITH unended AS (
    SELECT session_id, count(*) AS frames
    FROM stored_frames
    NATURAL JOIN session_starts
    WHERE session_id IN (SELECT session_id FROM sessions WHERE state = 'recording')
    GROUP BY session_id
),
missing AS (
    SELECT session_id, reason, sum(frames)::BIGINT AS frames, count(*) AS gaps
    FROM gaps
    NATURAL JOIN session_starts
    GROUP BY session_id, reason
),
lost AS (
    SELECT session_id, sum(frames)::BIGINT AS frames, sum(gaps)::BIGINT AS gaps
    FROM missing
    GROUP BY session_id
),
committed AS (
    SELECT session_id, count(*) AS commits, max(frames) AS frames
    FROM chain
    NATURAL JOIN session_starts
    GROUP BY session_id
),
spanned AS (
    SELECT session_id, count(*) FILTER (left_open) AS left_open
    FROM spans
    GROUP BY session_id
),
reasons AS (
    SELECT state, string_agg(reason || ' ' || frames, ', ' ORDER BY frames DESC, reason) AS by_reason
    FROM (
        SELECT s.state, m.reason, sum(m.frames)::BIGINT AS frames
        FROM missing AS m
        JOIN sessions AS s ON s.session_id = m.session_id
        GROUP BY s.state, m.reason
    )
    GROUP BY state
)
SELECT
    s.state,
    count(*) AS sessions,
    count(*) - count(p.session_id) AS without_spans,
    sum(coalesce(s.frame_count, u.frames, 0))::BIGINT AS frames,
    sum(coalesce(s.frames_dropped, l.frames, 0))::BIGINT AS frames_dropped,
    CASE WHEN sum(coalesce(s.frames_dropped, l.frames, 0)) = 0 THEN 0 ELSE sum(l.gaps) END::BIGINT AS gaps,
    any_value(r.by_reason) AS dropped_by_reason,
    sum(c.commits)::BIGINT AS commits,
    round(sum(c.frames) / sum(c.commits), 1) AS frames_per_commit,
    sum(p.left_open)::BIGINT AS left_open_spans,
    sum(list_sum(map_values(json_transform(s.redactions, '"MAP(VARCHAR, BIGINT)"'))))::BIGINT AS masked,
    max(s.started_at) AS last_at
FROM sessions AS s
LEFT JOIN unended AS u ON u.session_id = s.session_id
LEFT JOIN lost AS l ON l.session_id = s.session_id
LEFT JOIN spanned AS p ON p.session_id = s.session_id
LEFT JOIN committed AS c ON c.session_id = s.session_id
LEFT JOIN reasons AS r ON r.state = s.state
GROUP BY s.state
ORDER BY sessions DESC, s.state
