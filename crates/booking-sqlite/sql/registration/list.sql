-- registration/list: oldest first, those after a version
SELECT {registration}
FROM registrations
WHERE event_id = ?1 AND event_version > ?2
ORDER BY event_version
LIMIT ?3
