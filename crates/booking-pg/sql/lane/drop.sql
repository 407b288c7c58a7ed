-- lane/drop: gives up what there is to be done for a sink, whoever's turn it is
-- A row that another transaction has changed since this began is read as it is now, and left to the
-- next step.
WITH found AS (
    SELECT l.ctid AS place
    FROM delivery_lanes AS l
    WHERE l.sink_id = $1::uuid AND l.due_at <= 'infinity'
    ORDER BY l.due_at
    LIMIT $2::bigint
    FOR UPDATE
),
dropped AS (
    UPDATE delivery_lanes AS lane
    SET version = lane.target, position = NULL, attempts = 0, lease = NULL, due_at = NULL
    WHERE lane.ctid = ANY (ARRAY(SELECT place FROM found))
    RETURNING lane.sink_id
)
SELECT count(*) AS found, (SELECT count(*) FROM dropped) AS written
FROM found
HAVING count(*) > 0
