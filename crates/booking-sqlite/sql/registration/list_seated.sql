-- registration/list_seated: oldest first, those after a version that have a seat at an instant
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations
WHERE event_id = ?1 AND event_version > ?2 AND (status = 'confirmed' OR expires_at > ?4)
ORDER BY event_version
LIMIT ?3
