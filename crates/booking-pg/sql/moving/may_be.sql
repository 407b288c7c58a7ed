-- moving/may_be: whether any event is on its way, or was moved, whose id has the last byte of another
SELECT 1
FROM (
    SELECT event_id, direction
    FROM moving_events
    ORDER BY event_id
) AS m
WHERE right(m.event_id::text, 2) = right($1::text, 2) AND m.direction <> 'leaving'
LIMIT 1
