-- registration/unerased: the first that may not be erased yet
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations
WHERE event_id = ?1 AND event_version > (SELECT erased_to FROM events WHERE id = ?1)
ORDER BY event_version
LIMIT ?2
