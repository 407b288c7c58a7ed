-- event/insert: puts up an event and records that as its first fact, unless its id is taken, here or where it was moved to
-- In a store with assigned bytes, returns whether $28, the last byte of the id, is none of them; then no event is
-- created.
WITH kept AS (
    -- A transaction that changes the assignment waits for this lock. It also locks the table, for as long as that has
    -- no row.
    SELECT coalesce($28::integer NOT BETWEEN first_byte AND last_byte, true) AS is_foreign
    FROM cell_bytes
    WHERE only_row
    FOR SHARE
),
created AS (
    INSERT INTO events (
        id, name, description, capacity, booked_count, version, created_at, starts_at, ends_at, timezone,
        venue, status, opens_at, closes_at, waitlist_enabled, offer_ttl_seconds, retention_days, erase_at,
        organizer_id, conceal_registered, language, remind_hours, remind_at, confirm_address,
        organizer_name, contact, unlisted
    )
    SELECT
        $1::uuid, $2::text, $3::text, $4::integer, 0, $5::bigint,
        coalesce($6::timestamptz, clock_timestamp()), $8::timestamptz, $9::timestamptz, $10::text,
        $11::text, $12::text::event_status, $13::timestamptz, $14::timestamptz, $15::boolean,
        $16::integer, $17::integer, $18::timestamptz, $19::uuid, $20::boolean,
        $21::text::event_language, $22::integer, $23::timestamptz, $24::boolean,
        $25::text, $26::text, $27::boolean
    WHERE NOT EXISTS (SELECT FROM moving_events WHERE event_id = $1::uuid)
        AND NOT EXISTS (SELECT FROM kept WHERE is_foreign)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, version, created_at
),
recorded AS (
    INSERT INTO facts (event_id, version_first, version_last, recorded_at, body, is_new)
    SELECT id, version, version, created_at, $7::text, false
    FROM created
),
noted AS (
    INSERT INTO new_facts (event_id, version_first, version_last, recorded_at)
    SELECT id, version, version, created_at
    FROM created
)
SELECT is_foreign
FROM kept
