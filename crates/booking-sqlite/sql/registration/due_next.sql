-- registration/due_next: when the first hold or offer of an event runs out after an instant
SELECT min(expires_at)
FROM registrations
WHERE event_id = ?1 AND expires_at > ?2
