-- registration/insert_any: adds registrations in whatever state they are
INSERT INTO registrations (
    event_id, id, user_email, name, status, expires_at, checked_in_at, scan_id, generation, token_hash,
    event_version, changed_version, created_at
)
SELECT
    event_id, id, user_email, name, status, expires_at, checked_in_at, scan_id, generation, token_hash,
    event_version, changed_version, created_at
FROM unnest(
    $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
    $8::uuid[], $9::integer[], $10::bytea[], $11::bigint[], $12::bigint[], $13::timestamptz[]
) AS made (
    event_id, id, user_email, name, status, expires_at, checked_in_at, scan_id, generation, token_hash,
    event_version, changed_version, created_at
)
