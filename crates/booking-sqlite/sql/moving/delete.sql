-- moving/delete
DELETE FROM moving_events
WHERE event_id = ?1 AND move_id = ?2
