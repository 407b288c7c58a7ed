-- fact/oldest_new: when the oldest fact was recorded that nobody has looked at
SELECT min(fresh.recorded_at)
FROM (
    (
        SELECT recorded_at
        FROM new_facts
        ORDER BY event_id, version_first
    )
    UNION ALL
    -- Those of earlier versions.
    (
        SELECT recorded_at
        FROM facts
        WHERE is_new
        ORDER BY event_id, version_last
    )
) AS fresh
