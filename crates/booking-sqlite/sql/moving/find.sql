-- moving/find: where an event is that is not, or not only, here
SELECT direction, move_id, place, until, state
FROM moving_events
WHERE event_id = ?1
