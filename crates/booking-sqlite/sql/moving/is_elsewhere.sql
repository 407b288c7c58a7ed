-- moving/is_elsewhere: whether an event that is not here is on its way, or was moved away
SELECT count(*) > 0
FROM moving_events
WHERE event_id = ?1 AND direction <> 'leaving'
