-- registration/list_seated: oldest first, those after a version that have a seat at an instant
SELECT {registration}
FROM registrations
WHERE event_id = ?1 AND event_version > ?2 AND (status = 'confirmed' OR expires_at > ?4)
ORDER BY event_version
LIMIT ?3
