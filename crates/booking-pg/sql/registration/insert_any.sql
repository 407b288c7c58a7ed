-- registration/insert_any: adds registrations in whatever state they are
INSERT INTO registrations (
    event_id, id, user_email, name, status, expires_at, checked_in_at, scan_id, generation, token_hash,
    event_version, changed_version, created_at, answers
)
SELECT
    ($1::uuid[])[at], ($2::uuid[])[at], user_email, name, status::registration_status,
    ($6::timestamptz[])[at], ($7::timestamptz[])[at], ($8::uuid[])[at], ($9::integer[])[at], token_hash,
    ($11::bigint[])[at], ($12::bigint[])[at], ($13::timestamptz[])[at], answers
FROM unnest($3::text[], $4::text[], $5::text[], $10::bytea[], $14::text[])
    WITH ORDINALITY AS made (user_email, name, status, token_hash, answers, at)
