-- record/upsert: one that is there already has run out
INSERT INTO idempotency_records (event_id, key_hash, fingerprint, recorded_at, outcome)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (event_id, key_hash) DO UPDATE
SET fingerprint = excluded.fingerprint, recorded_at = excluded.recorded_at, outcome = excluded.outcome
