-- registration/event
SELECT event_id
FROM registrations
WHERE id = ?1
