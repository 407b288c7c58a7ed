-- registration/waiting: the head of the queue. The index has to be named: SQLite takes that of all versions,
-- which gives the same order, for as good
SELECT {registration}
FROM registrations INDEXED BY registrations_waiting
WHERE event_id = ?1 AND status = 'waitlisted'
ORDER BY event_version
LIMIT ?2
