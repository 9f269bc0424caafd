-- A recording of format 1, attached as `before`, into the empty tables of format 2 in `after`.
-- Its sessions get neither a hash chain nor spans; its frames keep their whole data.

CREATE TEMP TABLE numbers AS
SELECT session_id, (row_number() OVER (ORDER BY session_id) - 1)::INTEGER AS session
FROM (
    SELECT session_id FROM before.session_starts
    UNION
    SELECT session_id FROM before.session_ends
    UNION
    SELECT session_id FROM before.frames
);

INSERT INTO after.header BY NAME
SELECT 2 AS format_version, uuid() AS recording_id, * EXCLUDE (format_version) FROM before.header;

INSERT INTO after.session_starts BY NAME
SELECT n.session, s.* FROM before.session_starts AS s JOIN numbers AS n USING (session_id);

INSERT INTO after.contexts BY NAME
SELECT
    n.session,
    row_number() OVER (PARTITION BY n.session ORDER BY min(f.ordinal)) - 1 AS context,
    f.channel,
    f.namespace,
    f.utc_offset
FROM before.frames AS f
JOIN numbers AS n USING (session_id)
GROUP BY n.session, f.channel, f.namespace, f.utc_offset;

-- An empty previous_id means none in format 2, so a frame that really had an empty one is kept whole in raw.
INSERT INTO after.stored_frames BY NAME
SELECT
    n.session,
    f.ordinal,
    c.context,
    f.offset_ns,
    f.timestamp,
    f.type,
    CASE WHEN regexp_full_match(f.id, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}') THEN f.id::UUID END AS id,
    CASE WHEN NOT regexp_full_match(f.id, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}') THEN f.id END AS id_text,
    f.seq,
    f.parent_id,
    coalesce(f.previous_id, '') AS previous_id,
    CASE
        WHEN f.raw IS NULL AND try(json_type(f.data, '$.chunk')) = 'VARCHAR' THEN try(f.data ->> '$.chunk')
    END AS chunk,
    f.data,
    CASE
        WHEN f.raw IS NULL AND f.previous_id = '' THEN
            '{"id":' || to_json(f.id)::VARCHAR
            || ',"seq":' || coalesce(f.seq::VARCHAR, 'null')
            || ',"type":' || to_json(f.type)::VARCHAR
            || ',"channel":' || to_json(f.channel)::VARCHAR
            || ',"namespace":' || to_json(f.namespace)::VARCHAR
            || ',"timestamp":"'
            || strftime(f.timestamp + to_seconds(coalesce(f.utc_offset, 0)), '%Y-%m-%dT%H:%M:%S.%f')
            || CASE
                WHEN f.utc_offset IS NULL THEN ''
                ELSE
                    CASE WHEN f.utc_offset < 0 THEN '-' ELSE '+' END
                    || lpad((abs(f.utc_offset) // 3600)::VARCHAR, 2, '0') || ':'
                    || lpad((abs(f.utc_offset) // 60 % 60)::VARCHAR, 2, '0')
            END
            || '","parent_id":' || coalesce(to_json(f.parent_id)::VARCHAR, 'null')
            || ',"previous_id":"","data":' || coalesce(f.data::VARCHAR, '{}') || '}'
        ELSE f.raw
    END AS raw
FROM before.frames AS f
JOIN numbers AS n USING (session_id)
LEFT JOIN after.contexts AS c
    ON c.session = n.session
    AND c.channel IS NOT DISTINCT FROM f.channel
    AND c.namespace IS NOT DISTINCT FROM f.namespace
    AND c.utc_offset IS NOT DISTINCT FROM f.utc_offset;

INSERT INTO after.session_ends BY NAME
SELECT n.session, e.* EXCLUDE (session_id)
FROM before.session_ends AS e JOIN numbers AS n USING (session_id);

DROP TABLE numbers;
