-- audit/fact_without_event
SELECT event_id, 0 AS stated, count(*) AS counted
FROM facts
WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.id = facts.event_id)
GROUP BY event_id
ORDER BY event_id
LIMIT ?1
