-- delivery/purge: deletes messages that were tried last long ago, and waits for nobody
-- Endpoint by endpoint, so that their logs need no other index.
DELETE FROM deliveries AS done
WHERE done.ctid = ANY (
    ARRAY(
        SELECT old.place
        FROM (
            SELECT id
            FROM webhook_endpoints
            ORDER BY id
        ) AS endpoints
        CROSS JOIN LATERAL (
            SELECT d.ctid AS place
            FROM deliveries AS d
            WHERE d.endpoint_id = endpoints.id
                AND d.tried_at <= coalesce($1::timestamptz, statement_timestamp())
                    - make_interval(secs => $2::double precision)
            ORDER BY d.tried_at
            LIMIT $3::bigint
            FOR UPDATE SKIP LOCKED
        ) AS old
        LIMIT $3::bigint
    )
)
