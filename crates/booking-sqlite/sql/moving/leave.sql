-- moving/leave: an event has left
UPDATE moving_events
SET direction = 'left', until = NULL, state = ?3
WHERE event_id = ?1 AND move_id = ?2
