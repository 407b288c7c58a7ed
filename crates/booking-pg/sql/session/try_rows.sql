-- session/try_rows: rows as a batch writes them, of no event, to be taken back
-- Only after a write failed, since the rows stay until they are vacuumed.
INSERT INTO events (id, name, description, capacity, booked_count, version, created_at)
VALUES ('00000000-0000-0000-0000-000000000000', 'Nothing', '', 1, 0, 1, now());
UPDATE events SET booked_count = 1, version = 2
WHERE id = '00000000-0000-0000-0000-000000000000';
INSERT INTO registrations (event_id, id, user_email, event_version, created_at)
SELECT
    '00000000-0000-0000-0000-000000000000', gen_random_uuid(),
    'nobody-' || lpad(n::text, 100, '0') || '@example.invalid', n, now()
FROM generate_series(1, 200) AS n;
INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
VALUES ('00000000-0000-0000-0000-000000000000', 1, 1, now(), '[]');
INSERT INTO new_facts (event_id, version_first, version_last, recorded_at)
VALUES ('00000000-0000-0000-0000-000000000000', 1, 1, now());
INSERT INTO idempotency_records (event_id, key_hash, fingerprint, recorded_at, outcome)
VALUES ('00000000-0000-0000-0000-000000000000', sha256(''), sha256(''), now(), '{}')
