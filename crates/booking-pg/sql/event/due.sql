-- event/due: the events on which time alone has something to do, longest overdue first
SELECT id
FROM events
WHERE due_at <= coalesce($1::timestamptz, statement_timestamp())
ORDER BY due_at
LIMIT $2::bigint
