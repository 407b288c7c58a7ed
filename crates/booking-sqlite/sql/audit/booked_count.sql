-- audit/booked_count: events whose count is not the number of their registrations
SELECT id, stated, counted
FROM (
    SELECT
        events.id AS id,
        events.booked_count AS stated,
        -- No index has this column, so that the table itself is counted.
        (SELECT count(created_at) FROM registrations WHERE event_id = events.id) AS counted
    FROM events
)
WHERE stated <> counted
ORDER BY id
LIMIT ?1
