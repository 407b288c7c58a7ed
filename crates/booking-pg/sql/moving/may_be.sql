-- moving/may_be: whether any event is on its way, came just now, or was moved, whose id has the last byte of another
SELECT 1
FROM moving_events AS m
WHERE right(m.event_id::text, 2) = right($1::text, 2)
    AND m.direction <> 'leaving'
    AND coalesce(m.until > coalesce($2::timestamptz, clock_timestamp()), true)
LIMIT 1
