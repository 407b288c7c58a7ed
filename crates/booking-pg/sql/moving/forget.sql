-- moving/forget: forgets what an event left with
UPDATE moving_events
SET state = NULL
WHERE event_id = $1::uuid AND move_id = $2::uuid AND direction = 'left'
