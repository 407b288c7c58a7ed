-- event/details: what people are told of events whose rows are locked
SELECT {event}, erase_at, remind_at
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
