-- event/erasable: longest overdue first
SELECT id
FROM events
WHERE erase_at <= ?1
ORDER BY erase_at
LIMIT ?2
