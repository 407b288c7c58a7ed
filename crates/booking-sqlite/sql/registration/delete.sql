-- registration/delete
DELETE FROM registrations
WHERE event_id = ?1 AND event_version = ?2 AND id = ?3
