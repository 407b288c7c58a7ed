-- event/lock_skip: locks those events that nobody else holds, in the order of their ids
SELECT {state}
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE SKIP LOCKED
