-- moving/lock: where an event is that is not, or not only, here, and whether whoever moves it away was there lately
SELECT
    m.direction, m.move_id, m.place, coalesce(m.until > coalesce($2::timestamptz, clock_timestamp()), false),
    m.state
FROM moving_events AS m
WHERE m.event_id = ANY (ARRAY[$1::uuid])
ORDER BY m.event_id
FOR UPDATE
