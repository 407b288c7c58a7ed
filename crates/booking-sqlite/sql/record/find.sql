-- record/find: what was answered under an idempotency key
SELECT fingerprint, recorded_at, outcome
FROM idempotency_records
WHERE event_id = ?1 AND key_hash = ?2
