-- fact/after: the rows with those that follow a version, up to another
-- The row that the next version lies in may begin before it.
SELECT version_first, recorded_at, body
FROM facts
WHERE event_id = ?1
    AND version_first >= coalesce(
        (SELECT max(version_first) FROM facts WHERE event_id = ?1 AND version_first <= ?2 + 1), 1
    )
    AND version_first <= ?3
ORDER BY version_first
