-- registration/load: the one with the id of a command, and the live one with its address
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations
WHERE id = ?2 AND event_id = ?1
UNION ALL
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations
WHERE event_id = ?1 AND user_email = ?3 AND status <> 'cancelled' AND status <> 'expired'
    AND id <> ?2
