-- lane/claim: gives somebody a turn at lanes that are due, of each sink up to so many
-- OFFSET keeps the time in a query of its own: Citus refuses it in SET.
UPDATE delivery_lanes AS lane
SET lease = $3::uuid,
    due_at = store.due_at
FROM (
    SELECT coalesce($4::timestamptz, statement_timestamp())
        + make_interval(secs => $5::double precision) AS due_at
    OFFSET 0
) AS store
WHERE lane.ctid = ANY (
    ARRAY(
        SELECT due.place
        FROM generate_subscripts($1::uuid[], 1) AS at
        CROSS JOIN LATERAL (
            SELECT l.ctid AS place
            FROM delivery_lanes AS l
            WHERE l.sink_id = ($1::uuid[])[at]
                AND l.due_at <= coalesce($4::timestamptz, statement_timestamp())
            ORDER BY l.due_at
            LIMIT ($2::bigint[])[at]
            FOR UPDATE SKIP LOCKED
        ) AS due
    )
)
RETURNING lane.event_id, lane.sink_id, lane.version, lane.position, lane.target, lane.attempts
