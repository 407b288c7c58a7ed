-- event/erasable: the events of which something is to be erased, longest overdue first
SELECT id
FROM events
WHERE erase_at <= coalesce($1::timestamptz, statement_timestamp())
ORDER BY erase_at
LIMIT $2::bigint
