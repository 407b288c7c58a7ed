-- delivery/delete: some of an endpoint
DELETE FROM deliveries
WHERE (event_id, endpoint_id, version) IN (
    SELECT event_id, endpoint_id, version
    FROM deliveries
    WHERE endpoint_id = ?1
    LIMIT ?2
)
