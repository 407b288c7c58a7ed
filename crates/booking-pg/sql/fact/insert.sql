-- fact/insert: records what a batch decided, one row for each event
INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
SELECT event_id, version_first, version_last, $4::timestamptz, body
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $5::text[])
    AS made (event_id, version_first, version_last, body)
