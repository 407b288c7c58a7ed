-- From seats that are given once to the whole life of a registration: held, waiting, offered, confirmed,
-- transferred, checked in, given up. What is there already is a published event's confirmed seats.
--
-- Servers of the version before go on giving out seats beside those of this one: they write rows that
-- are confirmed by default. They know of no queue and no hours, so they should be replaced soon. While this
-- migration runs everybody waits: two and a half seconds for a million registrations.

-- What a single value may be is said by its type, and not by a CHECK of the table. PostgreSQL parses
-- those anew for each statement that writes (2 to 8 µs each) and looks at all of them whenever a row is
-- rewritten, as a hot event's is by every batch; at a type's only when a value is assigned. The columns
-- that are there already keep their types: statements that servers have prepared would fail.
CREATE TYPE event_status AS ENUM ('draft', 'published', 'cancelled');
CREATE TYPE registration_status AS ENUM (
    'confirmed', 'held', 'waitlisted', 'offered', 'cancelled', 'expired'
);
CREATE DOMAIN one_line AS text CHECK (char_length(VALUE) BETWEEN 1 AND 200);
CREATE DOMAIN offer_ttl_seconds AS integer CHECK (VALUE BETWEEN 60 AND 604800);

ALTER TABLE events
    ADD COLUMN status            event_status NOT NULL DEFAULT 'published',
    ADD COLUMN starts_at         timestamptz,
    ADD COLUMN ends_at           timestamptz,
    -- A name of the IANA database. It says how the times are shown; the times themselves are instants.
    ADD COLUMN timezone          text,
    ADD COLUMN venue             one_line,
    ADD COLUMN opens_at          timestamptz,
    ADD COLUMN closes_at         timestamptz,
    ADD COLUMN waitlist_enabled  boolean      NOT NULL DEFAULT true,
    -- NULL: a seat that comes free is not offered, it is given.
    ADD COLUMN offer_ttl_seconds offer_ttl_seconds DEFAULT 86400,
    ADD COLUMN held_count        integer      NOT NULL DEFAULT 0,
    ADD COLUMN waitlist_count    integer      NOT NULL DEFAULT 0,
    -- Before this instant time alone changes nothing here: no hold or offer runs out.
    ADD COLUMN due_at            timestamptz,
    -- The version that called it off.
    ADD COLUMN cancelled_version bigint,
    ADD CONSTRAINT events_ends_after_start CHECK (ends_at >= starts_at),
    ADD CONSTRAINT events_closes_after_opening CHECK (closes_at >= opens_at),
    ADD CONSTRAINT events_held_count_within_booked CHECK (held_count BETWEEN 0 AND booked_count),
    ADD CONSTRAINT events_waitlist_count_not_negative CHECK (waitlist_count >= 0);

-- For whoever tidies. An event without holds and offers is not in it, and its row is still rewritten in
-- place as long as due_at stays the same.
CREATE INDEX events_due ON events (due_at) WHERE due_at IS NOT NULL;

-- The column event_version stays what it was, the version that made the row: the order of the listing
-- and of the queue. In this order the new columns leave no gaps between them in a row.
ALTER TABLE registrations
    -- Raised by whatever makes earlier tickets worthless.
    ADD COLUMN generation      integer             NOT NULL DEFAULT 0,
    ADD COLUMN status          registration_status NOT NULL DEFAULT 'confirmed',
    ADD COLUMN token_hash      bytea,
    ADD COLUMN name            text,
    -- The version of its last change; NULL while that is the one that made it.
    ADD COLUMN changed_version bigint,
    ADD COLUMN expires_at      timestamptz,
    ADD COLUMN checked_in_at   timestamptz,
    ADD COLUMN scan_id         uuid,
    ADD CONSTRAINT registrations_runs_out_if_held CHECK (
        (status IN ('held', 'offered')) = (expires_at IS NOT NULL)
    ),
    ADD CONSTRAINT registrations_token_hash_length CHECK (octet_length(token_hash) = 32),
    ADD CONSTRAINT registrations_checked_in_by_a_scan CHECK (
        (checked_in_at IS NULL) = (scan_id IS NULL)
    );

-- The public id alone leads to a registration, so it comes first; event_id is still part of the key, so
-- that the table can be distributed by it.
ALTER TABLE registrations
    DROP CONSTRAINT registrations_pkey,
    ADD CONSTRAINT registrations_pkey PRIMARY KEY (id, event_id);

-- One live registration for an address: what has ended leaves it free. An index, since a constraint
-- cannot be of some rows only.
ALTER TABLE registrations DROP CONSTRAINT registrations_live_email;
CREATE UNIQUE INDEX registrations_live_email ON registrations (event_id, user_email)
    WHERE status IN ('confirmed', 'held', 'waitlisted', 'offered');

-- What runs out (only holds and offers have an end), and who waits. A confirmed seat is in neither, and
-- costs nothing here.
CREATE INDEX registrations_running_out ON registrations (event_id, expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX registrations_waiting ON registrations (event_id, event_version)
    WHERE status = 'waitlisted';

-- What was answered to requests that may come again, for 24 hours.
CREATE TABLE idempotency_records (
    -- The nil UUID for requests that are of no event yet: those that put one up.
    event_id    uuid        NOT NULL,
    key_hash    bytea       NOT NULL,
    fingerprint bytea       NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- JSON, as text: nobody searches it.
    outcome     text        NOT NULL,
    CONSTRAINT idempotency_records_pkey PRIMARY KEY (event_id, key_hash),
    CONSTRAINT idempotency_records_key_hash_length CHECK (octet_length(key_hash) = 32),
    CONSTRAINT idempotency_records_fingerprint_length CHECK (octet_length(fingerprint) = 32)
);

-- For deleting those that have run out.
CREATE INDEX idempotency_records_recorded_at ON idempotency_records (recorded_at);

-- The secret halves of the keys that tickets are signed with; the newest signs, all of them verify.
CREATE TABLE signing_keys (
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    seed       bytea       NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT signing_keys_pkey PRIMARY KEY (id),
    CONSTRAINT signing_keys_seed_length CHECK (octet_length(seed) = 32)
);
