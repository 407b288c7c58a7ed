-- lane/delete: takes out some lanes of a sink
-- A row that another transaction has changed since this began is read as it is now, and left to the
-- next step.
WITH found AS (
    SELECT l.ctid AS place
    FROM delivery_lanes AS l
    WHERE l.sink_id = $1::uuid
    ORDER BY l.due_at
    LIMIT $2::bigint
    FOR UPDATE
),
deleted AS (
    DELETE FROM delivery_lanes AS lane
    WHERE lane.ctid = ANY (ARRAY(SELECT place FROM found))
    RETURNING lane.sink_id
)
SELECT count(*) AS found, (SELECT count(*) FROM deleted) AS written
FROM found
HAVING count(*) > 0
