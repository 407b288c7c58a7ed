-- fact/insert: records what a batch decided, one row for each event
INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
SELECT ($1::uuid[])[at], ($2::bigint[])[at], ($3::bigint[])[at], $4::timestamptz, body
FROM unnest($5::text[]) WITH ORDINALITY AS made (body, at)
