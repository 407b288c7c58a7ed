-- event/status
SELECT status
FROM events
WHERE id = ?1
