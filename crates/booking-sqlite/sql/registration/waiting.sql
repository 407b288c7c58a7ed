-- registration/waiting: the head of the queue. The index has to be named: SQLite takes the primary key,
-- which gives the same order, for as good
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations INDEXED BY registrations_waiting
WHERE event_id = ?1 AND status = 'waitlisted'
ORDER BY event_version
LIMIT ?2
