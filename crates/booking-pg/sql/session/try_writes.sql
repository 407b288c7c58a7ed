-- session/try_writes: whether everything that a sale writes can be written; no row is
-- A check that runs every second must leave nothing behind: rows that are rolled back stay until they
-- are vacuumed.
INSERT INTO events (id, name, description, capacity, booked_count, version, created_at)
SELECT id, name, description, capacity, booked_count, version, created_at FROM events WHERE false;
UPDATE events
SET booked_count = booked_count, held_count = held_count, waitlist_count = waitlist_count,
    version = version, due_at = due_at, changed_at = changed_at
WHERE id = '00000000-0000-0000-0000-000000000000';
INSERT INTO registrations ({registration names})
SELECT {registration names} FROM registrations WHERE false;
DELETE FROM registrations WHERE false;
INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
SELECT event_id, version_first, version_last, recorded_at, body FROM facts WHERE false;
INSERT INTO new_facts (event_id, version_first, version_last, recorded_at)
SELECT event_id, version_first, version_last, recorded_at FROM new_facts WHERE false;
INSERT INTO idempotency_records (event_id, key_hash, fingerprint, recorded_at, outcome)
SELECT event_id, key_hash, fingerprint, recorded_at, outcome
FROM idempotency_records WHERE false;
UPDATE idempotency_records
SET fingerprint = fingerprint, recorded_at = recorded_at, outcome = outcome
WHERE false
