-- record/upsert: keeps what was answered; a record that is there already has run out
INSERT INTO idempotency_records (event_id, key_hash, fingerprint, recorded_at, outcome)
SELECT event_id, key_hash, fingerprint, recorded_at, outcome
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::text[])
    AS made (event_id, key_hash, fingerprint, recorded_at, outcome)
ON CONFLICT (event_id, key_hash) DO UPDATE
SET fingerprint = excluded.fingerprint,
    recorded_at = excluded.recorded_at,
    outcome = excluded.outcome
