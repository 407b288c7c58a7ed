-- lane/delete: takes out some lanes of a sink
DELETE FROM delivery_lanes AS lane
WHERE lane.ctid = ANY (
    ARRAY(
        SELECT l.ctid
        FROM delivery_lanes AS l
        WHERE l.sink_id = $1::uuid
        ORDER BY l.due_at
        LIMIT $2::bigint
        FOR UPDATE
    )
)
