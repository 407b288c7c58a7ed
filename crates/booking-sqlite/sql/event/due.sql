-- event/due: longest overdue first
SELECT id
FROM events
WHERE due_at <= ?1
ORDER BY due_at
LIMIT ?2
