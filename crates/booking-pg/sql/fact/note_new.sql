-- fact/note_new: notes which versions of events were made that nobody has looked at
INSERT INTO new_facts (event_id, version_first, version_last, recorded_at)
SELECT ($1::uuid[])[at], ($2::bigint[])[at], ($3::bigint[])[at], $4::timestamptz
FROM generate_subscripts($1::uuid[], 1) AS at
