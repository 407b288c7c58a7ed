-- moving/which: those of some events that are on their way, came just now, or were moved
SELECT event_id
FROM moving_events
WHERE event_id = ANY ($1::uuid[])
    AND direction <> 'leaving'
    AND coalesce(until > coalesce($2::timestamptz, clock_timestamp()), true)
ORDER BY event_id
