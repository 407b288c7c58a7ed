-- delivery/purge: some of an endpoint that were tried last at or before an instant
DELETE FROM deliveries
WHERE (event_id, endpoint_id, version) IN (
    SELECT event_id, endpoint_id, version
    FROM deliveries
    WHERE endpoint_id = ?1 AND tried_at <= ?2
    ORDER BY tried_at
    LIMIT ?3
)
