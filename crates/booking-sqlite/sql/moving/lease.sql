-- moving/lease: whoever moves an event is there
UPDATE moving_events
SET until = ?3
WHERE event_id = ?1 AND move_id = ?2
