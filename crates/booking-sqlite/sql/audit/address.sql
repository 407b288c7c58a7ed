-- audit/address: events in which an address has more than one registration
SELECT event_id, count(created_at) AS stated, count(DISTINCT user_email) AS counted
FROM registrations
GROUP BY event_id
HAVING stated <> counted
ORDER BY event_id
LIMIT ?1
