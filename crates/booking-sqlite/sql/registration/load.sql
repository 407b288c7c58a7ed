-- registration/load: those that have the id or the address of a command, each once
SELECT event_id, event_version, id, user_email, created_at
FROM registrations
WHERE event_id = ?1 AND id = ?2
UNION ALL
SELECT event_id, event_version, id, user_email, created_at
FROM registrations
WHERE event_id = ?1 AND user_email = ?3 AND id <> ?2
