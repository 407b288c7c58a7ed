-- event/lock_none: the negative control, which the tests must catch: reads events and locks nothing
SELECT id, capacity, booked_count, version
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
