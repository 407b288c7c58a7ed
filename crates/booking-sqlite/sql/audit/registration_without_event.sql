-- audit/registration_without_event
SELECT event_id, 0 AS stated, count(created_at) AS counted
FROM registrations
WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.id = registrations.event_id)
GROUP BY event_id
ORDER BY event_id
LIMIT ?1
