-- lane/retry: lets lanes that wait for another try have it at once, of a sink or of all
-- A row that another transaction has changed since this began is read as it is now, and left to the
-- next step.
WITH found AS (
    SELECT waiting.place
    FROM (
        (
            SELECT id
            FROM webhook_endpoints
            ORDER BY id
        )
        UNION ALL
        SELECT '00000000-0000-0000-0000-000000000000'
    ) AS sinks (id)
    CROSS JOIN LATERAL (
        SELECT l.ctid AS place
        FROM delivery_lanes AS l
        WHERE l.sink_id = sinks.id
            AND l.due_at > coalesce($2::timestamptz, statement_timestamp())
            AND l.lease IS NULL
        ORDER BY l.due_at
        LIMIT $3::bigint
        FOR UPDATE
    ) AS waiting
    WHERE $1::uuid IS NULL OR sinks.id = $1::uuid
    LIMIT $3::bigint
),
retried AS (
    UPDATE delivery_lanes AS lane
    SET due_at = store.now
    FROM (SELECT coalesce($2::timestamptz, statement_timestamp()) AS now) AS store
    WHERE lane.ctid = ANY (ARRAY(SELECT place FROM found))
    RETURNING lane.sink_id
)
SELECT count(*) AS found, (SELECT count(*) FROM retried) AS written
FROM found
HAVING count(*) > 0
