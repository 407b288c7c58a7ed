-- moving/pass_on: what has left is put up by another move
UPDATE moving_events
SET move_id = $2::uuid
WHERE event_id = $1::uuid
