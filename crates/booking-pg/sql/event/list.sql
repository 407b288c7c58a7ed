-- event/list: the events before a cursor, newest first
SELECT id, name, description, capacity, booked_count, version, created_at
FROM events
WHERE (created_at, id) < ($1::timestamptz, $2::uuid)
ORDER BY created_at DESC, id DESC
LIMIT $3::bigint
