-- delivery/delete: takes out some of an endpoint's log
DELETE FROM deliveries AS unwanted
WHERE unwanted.ctid = ANY (
    ARRAY(
        SELECT d.ctid
        FROM deliveries AS d
        WHERE d.endpoint_id = $1::uuid
        ORDER BY d.tried_at
        LIMIT $2::bigint
        FOR UPDATE
    )
)
