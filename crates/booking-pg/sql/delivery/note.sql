-- delivery/note: overwrites a message in an endpoint's log
UPDATE deliveries
SET kind = $4::text,
    state = $5::text::delivery_state,
    attempts = $6::integer,
    tried_at = store.now,
    status = $7::integer,
    failure = $8::text
FROM (SELECT coalesce($9::timestamptz, statement_timestamp()) AS now) AS store
WHERE event_id = $2::uuid AND endpoint_id = $1::uuid AND version = $3::bigint
