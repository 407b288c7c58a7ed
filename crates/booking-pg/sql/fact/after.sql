-- fact/after: the rows with the facts of an event that follow a version, up to another
SELECT version_first, recorded_at, body
FROM facts
WHERE event_id = $1::uuid
    -- The row that the next version lies in may begin before it.
    AND version_first >= (
        SELECT coalesce(max(holding.version_first), 1)
        FROM (
            SELECT f.version_first
            FROM facts AS f
            WHERE f.event_id = $1::uuid AND f.version_first <= $2::bigint + 1
            ORDER BY f.version_first DESC
            LIMIT 1
        ) AS holding
    )
    AND version_first <= $3::bigint
ORDER BY version_first
