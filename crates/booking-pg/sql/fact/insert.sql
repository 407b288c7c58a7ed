-- fact/insert: records what a batch decided, one row for each event, unless its registrations say it all
-- That they are new is noted elsewhere; only earlier versions mark them here.
INSERT INTO facts (event_id, version_first, version_last, recorded_at, body, is_new)
SELECT
    ($1::uuid[])[at], ($2::bigint[])[at], ($3::bigint[])[at], $4::timestamptz, body, false
FROM unnest($5::text[]) WITH ORDINALITY AS made (body, at)
