-- delivery/forget: some of an endpoint that were done at or before an instant
DELETE FROM deliveries
WHERE (event_id, endpoint_id, version) IN (
    SELECT event_id, endpoint_id, version
    FROM deliveries
    WHERE endpoint_id = ?1 AND tried_at <= ?2 AND state <> 'retrying'
    ORDER BY tried_at
    LIMIT ?3
)
