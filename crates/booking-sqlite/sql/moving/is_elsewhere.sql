-- moving/is_elsewhere: whether an event is on its way, came just now, or was moved away
SELECT count(*) > 0
FROM moving_events
WHERE event_id = ?1 AND direction <> 'leaving' AND (until IS NULL OR until > ?2)
