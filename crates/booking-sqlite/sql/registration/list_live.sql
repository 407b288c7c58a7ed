-- registration/list_live: oldest first, those after a version whose rows say that they are live
SELECT {registration}
FROM registrations
WHERE event_id = ?1 AND event_version > ?2 AND status NOT IN ('cancelled', 'expired')
ORDER BY event_version
LIMIT ?3
