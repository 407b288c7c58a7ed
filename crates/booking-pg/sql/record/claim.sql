-- record/claim: keeps what was answered unless a record that has not run out is there
-- Waits for a transaction that is writing one under the same key.
INSERT INTO idempotency_records AS kept (event_id, key_hash, fingerprint, recorded_at, outcome)
VALUES ($1::uuid, $2::bytea, $3::bytea, $4::timestamptz, $5::text)
ON CONFLICT (event_id, key_hash) DO UPDATE
SET fingerprint = excluded.fingerprint,
    recorded_at = excluded.recorded_at,
    outcome = excluded.outcome
WHERE kept.recorded_at <= $6::timestamptz
