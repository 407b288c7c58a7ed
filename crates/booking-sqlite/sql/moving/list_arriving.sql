-- moving/list_arriving: events for which there is room, after ?1
-- By the partial index of those that did not leave, since very many may have left: not by the order
-- of the ids.
SELECT event_id
FROM moving_events
WHERE direction <> 'left' AND direction = 'arriving' AND until IS NULL AND +event_id > ?1
ORDER BY +event_id
LIMIT ?2
