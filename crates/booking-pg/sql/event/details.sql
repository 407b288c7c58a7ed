-- event/details: what people are told of events whose rows are locked
SELECT
    id, created_at, name, description, starts_at, ends_at, timezone, venue, retention_days, erase_at
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
