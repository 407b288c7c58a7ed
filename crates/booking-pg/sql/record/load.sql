-- record/load: what was answered under the idempotency keys of the commands
SELECT found.event_id, found.key_hash, found.fingerprint, found.recorded_at, found.outcome
FROM unnest($1::uuid[], $2::bytea[]) AS wanted (event_id, key_hash)
CROSS JOIN LATERAL (
    SELECT i.event_id, i.key_hash, i.fingerprint, i.recorded_at, i.outcome
    FROM idempotency_records AS i
    WHERE i.event_id = wanted.event_id AND i.key_hash = wanted.key_hash
    LIMIT 1
) AS found
