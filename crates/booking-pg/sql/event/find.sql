-- event/find: one event
SELECT id, name, description, capacity, booked_count, version, created_at
FROM events
WHERE id = $1::uuid
