-- event/list: newest first, those before an instant and id
SELECT id, capacity, booked_count, version, created_at, name, description
FROM events
WHERE (created_at, id) < (?1, ?2)
ORDER BY created_at DESC, id DESC
LIMIT ?3
