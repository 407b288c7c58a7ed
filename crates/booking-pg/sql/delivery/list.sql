-- delivery/list: an endpoint's log before a cursor, latest try first
SELECT endpoint_id, event_id, version, kind, state::text, attempts, tried_at, status, failure
FROM deliveries
WHERE endpoint_id = $1::uuid
    AND (tried_at, event_id, version) < ($2::timestamptz, $3::uuid, $4::bigint)
ORDER BY tried_at DESC, event_id DESC, version DESC
LIMIT $5::bigint
