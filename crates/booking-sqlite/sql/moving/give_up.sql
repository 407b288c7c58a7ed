-- moving/give_up: nothing is known any more of an event that was on its way here
DELETE FROM moving_events
WHERE event_id = ?1 AND move_id = ?2 AND direction = 'arriving' AND until IS NULL
