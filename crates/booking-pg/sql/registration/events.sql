-- registration/events: the events of registrations, in the order of their ids
SELECT id, event_id
FROM registrations
WHERE id = ANY ($1::uuid[])
ORDER BY id, event_id
