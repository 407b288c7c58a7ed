-- lane/drop: gives up what there is to be done for a sink, whoever's turn it is
UPDATE delivery_lanes AS lane
SET version = lane.target, position = NULL, attempts = 0, lease = NULL, due_at = NULL
WHERE lane.ctid = ANY (
    ARRAY(
        SELECT l.ctid
        FROM delivery_lanes AS l
        WHERE l.sink_id = $1::uuid AND l.due_at <= 'infinity'
        ORDER BY l.due_at
        LIMIT $2::bigint
        FOR UPDATE
    )
)
