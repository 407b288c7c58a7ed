-- delivery/find: a message in an endpoint's log
SELECT endpoint_id, event_id, version, kind, state::text, attempts, tried_at, status, failure
FROM deliveries
WHERE event_id = $2::uuid AND endpoint_id = $1::uuid AND version = $3::bigint
