-- delivery/list: an endpoint's before a cursor, latest try first
SELECT endpoint_id, event_id, version, kind, state, attempts, tried_at, status, failure
FROM deliveries
WHERE endpoint_id = ?1 AND (tried_at, event_id, version) < (?2, ?3, ?4)
ORDER BY tried_at DESC, event_id DESC, version DESC
LIMIT ?5
