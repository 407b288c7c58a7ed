-- record/upsert: keeps what was answered; a record that is there already has run out
INSERT INTO idempotency_records (event_id, key_hash, fingerprint, recorded_at, outcome)
SELECT ($1::uuid[])[at], key_hash, fingerprint, ($4::timestamptz[])[at], outcome
FROM unnest($2::bytea[], $3::bytea[], $5::text[])
    WITH ORDINALITY AS made (key_hash, fingerprint, outcome, at)
ON CONFLICT (event_id, key_hash) DO UPDATE
SET fingerprint = excluded.fingerprint,
    recorded_at = excluded.recorded_at,
    outcome = excluded.outcome
