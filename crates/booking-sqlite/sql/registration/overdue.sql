-- registration/overdue: holds and offers of an event that have run out, the first first
SELECT {registration}
FROM registrations
WHERE event_id = ?1 AND expires_at <= ?2
ORDER BY expires_at, event_version
LIMIT ?3
