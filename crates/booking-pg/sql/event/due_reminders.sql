-- event/due_reminders: the events of which people are to be reminded, longest overdue first
SELECT id, remind_at
FROM events
WHERE remind_at <= coalesce($1::timestamptz, statement_timestamp())
ORDER BY remind_at
LIMIT $2::bigint
