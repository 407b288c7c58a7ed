-- event/due_reminders: longest overdue first
SELECT id, remind_at
FROM events
WHERE remind_at <= ?1
ORDER BY remind_at
LIMIT ?2
