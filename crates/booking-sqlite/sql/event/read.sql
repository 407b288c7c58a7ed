-- event/read
SELECT id, capacity, booked_count, version, created_at, name, description
FROM events
WHERE id = ?1
