-- moving/list_arriving: events for which there is room, after one of them
-- By the partial index of those that did not leave, since very many may have left: not by the order
-- of the ids.
WITH arriving AS MATERIALIZED (
    SELECT m.event_id
    FROM moving_events AS m
    WHERE m.direction = 'arriving' AND m.until IS NULL
    ORDER BY m.since
)
SELECT event_id
FROM arriving
WHERE event_id > $1::uuid
ORDER BY event_id
LIMIT $2::bigint
