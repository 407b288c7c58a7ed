-- moving/list: events that are here, or have left and are not known to have arrived
SELECT id
FROM events
WHERE id > ?1
UNION
SELECT event_id
FROM moving_events
WHERE event_id > ?1 AND direction = 'left' AND state IS NOT NULL
ORDER BY 1
LIMIT ?2
