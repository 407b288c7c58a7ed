-- lane/backlog: what each sink has to do, that whose oldest fact waits longest first
SELECT
    sinks.id,
    count(*) AS lanes,
    count(*) FILTER (WHERE undone.attempts > 0) AS failing,
    min(undone.recorded_at) AS oldest
FROM (
    (
        SELECT id
        FROM webhook_endpoints
        -- A disabled endpoint has no backlog, however long it is disabled.
        WHERE disabled_at IS NULL
        ORDER BY id
    )
    UNION ALL
    SELECT '00000000-0000-0000-0000-000000000000'
) AS sinks (id)
CROSS JOIN LATERAL (
    SELECT l.attempts, next.recorded_at
    FROM delivery_lanes AS l
    CROSS JOIN LATERAL (
        SELECT coalesce(
            -- What made a registration was recorded when it was made. The last up to there, so that only one index will do.
            (
                SELECT CASE WHEN r.event_version = l.version + 1 THEN r.created_at END
                FROM registrations AS r
                WHERE r.event_id = l.event_id AND r.event_version <= l.version + 1
                ORDER BY r.event_version DESC
                LIMIT 1
            ),
            (
                SELECT facts.recorded_at
                FROM facts
                WHERE facts.event_id = l.event_id AND facts.version_first <= l.version + 1
                ORDER BY facts.version_first DESC
                LIMIT 1
            )
        ) AS recorded_at
    ) AS next
    WHERE l.sink_id = sinks.id AND l.due_at <= 'infinity' AND l.version < l.target
    ORDER BY l.due_at
) AS undone
GROUP BY sinks.id
ORDER BY oldest, failing DESC, sinks.id
LIMIT $1::bigint
