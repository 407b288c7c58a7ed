-- registration/overdue: holds and offers of an event that have run out, the first first
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations
WHERE event_id = ?1 AND expires_at <= ?2
ORDER BY expires_at, event_version
LIMIT ?3
