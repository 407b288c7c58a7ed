-- audit/last_fact: events whose last fact did not make their version
SELECT id, stated, counted
FROM (
    SELECT
        events.id AS id,
        events.version AS stated,
        (SELECT coalesce(max(version_last), 0) FROM facts WHERE event_id = events.id) AS counted
    FROM events
)
WHERE stated <> counted
ORDER BY id
LIMIT ?1
