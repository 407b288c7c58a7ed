-- session/try_writes: whether everything that a sale writes can be written; no row is
-- Not even this much may be left behind by a look that comes every second: rows that are taken back stay
-- until they are vacuumed.
UPDATE events SET booked_count = booked_count, version = version
WHERE id = '00000000-0000-0000-0000-000000000000';
INSERT INTO registrations (event_id, id, user_email, event_version, created_at, token_hash, name)
SELECT event_id, id, user_email, event_version, created_at, token_hash, name
FROM registrations WHERE false;
DELETE FROM registrations WHERE false;
INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
SELECT event_id, version_first, version_last, recorded_at, body FROM facts WHERE false;
INSERT INTO idempotency_records (event_id, key_hash, fingerprint, recorded_at, outcome)
SELECT event_id, key_hash, fingerprint, recorded_at, outcome
FROM idempotency_records WHERE false
