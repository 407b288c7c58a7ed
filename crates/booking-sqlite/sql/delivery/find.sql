-- delivery/find
SELECT endpoint_id, event_id, version, kind, state, attempts, tried_at, status, failure
FROM deliveries
WHERE event_id = ?1 AND endpoint_id = ?2 AND version = ?3
