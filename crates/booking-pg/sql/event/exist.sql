-- event/exist: which of these events exist, locked or not
SELECT id
FROM events
WHERE id = ANY ($1::uuid[])
