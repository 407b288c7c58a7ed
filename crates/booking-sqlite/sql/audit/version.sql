-- audit/version: events whose facts do not cover every version, each following the one before
SELECT events.id, events.version AS stated, coalesce(sum(chain.versions), 0) AS counted
FROM events
LEFT JOIN (
    SELECT
        event_id,
        CASE
            WHEN version_first = 1 + lag(version_last, 1, 0) OVER (
                PARTITION BY event_id ORDER BY version_first
            ) AND json_array_length(body) = version_last - version_first + 1
                THEN version_last - version_first + 1
            ELSE 0
        END AS versions
    FROM facts
) AS chain ON chain.event_id = events.id
GROUP BY events.id
HAVING stated <> counted
ORDER BY events.id
LIMIT ?1
