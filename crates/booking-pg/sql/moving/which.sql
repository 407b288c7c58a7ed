-- moving/which: those of some events that are not here because they are on their way, or were moved
SELECT event_id
FROM moving_events
WHERE event_id = ANY ($1::uuid[]) AND direction <> 'leaving'
ORDER BY event_id
