-- moving/forget: forgets what an event left with
UPDATE moving_events
SET state = NULL
WHERE event_id = ?1 AND move_id = ?2 AND direction = 'left'
