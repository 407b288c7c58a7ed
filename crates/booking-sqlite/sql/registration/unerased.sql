-- registration/unerased: the first that may not be erased yet
SELECT {registration}
FROM registrations
WHERE event_id = ?1 AND event_version > (SELECT erased_to FROM events WHERE id = ?1)
ORDER BY event_version
LIMIT ?2
