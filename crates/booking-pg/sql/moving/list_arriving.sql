-- moving/list_arriving: events for which there is room, that which was made first before the others
SELECT m.event_id
FROM moving_events AS m
WHERE m.direction = 'arriving' AND m.until IS NULL
ORDER BY m.since
LIMIT $1::bigint
