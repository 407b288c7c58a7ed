-- event/lock: locks events, in the order of their ids, waiting for whoever holds one
SELECT {state}
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE
