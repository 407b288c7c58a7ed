-- moving/list_arriving: events for which there is room, that which was made first before the others
SELECT event_id
FROM moving_events
WHERE direction <> 'left' AND direction = 'arriving' AND until IS NULL
ORDER BY since
LIMIT ?1
