-- delivery/upsert
INSERT INTO deliveries (event_id, endpoint_id, version, kind, state, attempts, tried_at, status, failure)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (event_id, endpoint_id, version) DO UPDATE
SET kind = excluded.kind,
    state = excluded.state,
    attempts = excluded.attempts,
    tried_at = excluded.tried_at,
    status = excluded.status,
    failure = excluded.failure
