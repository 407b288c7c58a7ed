-- delivery/delete: takes out some of an endpoint's log
-- A row that another transaction has changed since this began is read as it is now, and left to the
-- next step.
WITH found AS (
    SELECT d.ctid AS place
    FROM deliveries AS d
    WHERE d.endpoint_id = $1::uuid
    ORDER BY d.tried_at
    LIMIT $2::bigint
    FOR UPDATE
),
deleted AS (
    DELETE FROM deliveries AS unwanted
    WHERE unwanted.ctid = ANY (ARRAY(SELECT place FROM found))
    RETURNING unwanted.endpoint_id
)
SELECT count(*) AS found, (SELECT count(*) FROM deleted) AS written
FROM found
HAVING count(*) > 0
