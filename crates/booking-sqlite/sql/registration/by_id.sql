-- registration/by_id: the one with the id of a command
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations
WHERE id = ?2 AND event_id = ?1
