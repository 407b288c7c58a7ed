-- record/load: what was answered under the idempotency keys of the commands
SELECT found.event_id, found.key_hash, found.fingerprint, found.recorded_at, found.outcome
FROM unnest($2::bytea[]) WITH ORDINALITY AS wanted (key_hash, at)
CROSS JOIN LATERAL (
    SELECT i.event_id, i.key_hash, i.fingerprint, i.recorded_at, i.outcome
    FROM idempotency_records AS i
    WHERE i.event_id = ($1::uuid[])[wanted.at] AND i.key_hash = wanted.key_hash
    LIMIT 1
) AS found
