-- moving/lock: where an event is that is not, or not only, here; whether whoever moves it away was there lately; whether
-- there is a state that it left with, and that state, if $3 says so: it may be long
SELECT
    m.direction, m.move_id, m.place, coalesce(m.until > coalesce($2::timestamptz, clock_timestamp()), false),
    m.state IS NOT NULL, CASE WHEN $3::boolean THEN m.state END
FROM moving_events AS m
WHERE m.event_id = ANY (ARRAY[$1::uuid])
ORDER BY m.event_id
FOR UPDATE
