-- audit/capacity: events with more seats taken than they have, by their count or by their rows
SELECT id, stated, counted
FROM (
    SELECT
        events.id AS id,
        events.capacity AS stated,
        max(
            events.booked_count,
            (SELECT count(created_at) FROM registrations WHERE event_id = events.id)
        ) AS counted
    FROM events
)
WHERE counted > stated
ORDER BY id
LIMIT ?1
