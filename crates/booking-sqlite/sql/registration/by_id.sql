-- registration/by_id: the one with the id of a command
SELECT {registration}
FROM registrations
WHERE id = ?2 AND event_id = ?1
