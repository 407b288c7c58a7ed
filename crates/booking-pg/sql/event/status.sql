-- event/status: which of these events exist, locked or not, and in what state; and the time
SELECT id, status::text, coalesce($2::timestamptz, statement_timestamp())
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
