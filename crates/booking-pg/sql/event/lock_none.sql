-- event/lock_none: the negative control, which the tests must catch: reads events and locks nothing
SELECT {state}
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
