-- registration/list: all registrations of an event after a version, oldest first
SELECT
    event_id, id, user_email, name, status::text, expires_at, checked_in_at, scan_id, generation, token_hash,
    event_version, changed_version, created_at
FROM registrations
WHERE event_id = $1::uuid AND event_version > $2::bigint
ORDER BY event_version
LIMIT $3::bigint
