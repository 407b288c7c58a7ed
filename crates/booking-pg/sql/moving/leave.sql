-- moving/leave: an event has left
UPDATE moving_events
SET direction = 'left',
    until = NULL,
    state = $2::text
WHERE event_id = $1::uuid
