-- moving/lock_event: an event's version, the time, and whether nobody may change it; its row is locked
SELECT
    e.version, coalesce($2::timestamptz, clock_timestamp()),
    coalesce(e.frozen_until > coalesce($2::timestamptz, clock_timestamp()), false)
FROM events AS e
WHERE e.id = ANY (ARRAY[$1::uuid])
-- So that only the primary key will do, whatever the table held when this was planned.
ORDER BY e.id
FOR UPDATE
