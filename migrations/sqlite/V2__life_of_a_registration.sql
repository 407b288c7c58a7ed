-- From seats that are given once to the whole life of a registration: held, waiting, offered, confirmed,
-- transferred, checked in, given up. What is there already is a published event's confirmed seats.

-- Made anew, and not altered, so that what can be long stays last: SQLite adds columns at the end only.
CREATE TABLE events_anew (
    id BLOB NOT NULL,
    capacity INTEGER NOT NULL,
    -- Seats taken. Always the number of the event's registrations that are confirmed, held or offered.
    booked_count INTEGER NOT NULL,
    -- Those of them that are held or offered.
    held_count INTEGER NOT NULL DEFAULT 0,
    -- Always the number of those who wait.
    waitlist_count INTEGER NOT NULL DEFAULT 0,
    -- The number of committed changes, the creation included.
    version INTEGER NOT NULL,
    -- Before this instant time alone changes nothing here: no hold or offer runs out.
    due_at INTEGER,
    status TEXT NOT NULL DEFAULT 'published',
    opens_at INTEGER,
    closes_at INTEGER,
    waitlist_enabled INTEGER NOT NULL DEFAULT 1,
    -- NULL: a seat that comes free is not offered, it is given.
    offer_ttl_seconds INTEGER DEFAULT 86400,
    -- The version that called it off.
    cancelled_version INTEGER,
    created_at INTEGER NOT NULL,
    starts_at INTEGER,
    ends_at INTEGER,
    -- A name of the IANA database. It says how the times are shown; the times themselves are instants.
    timezone TEXT,
    venue TEXT,
    name TEXT NOT NULL,
    -- Last, because it can be long: what stands before it is read without following its pages.
    description TEXT NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_id_is_a_uuid CHECK (length(id) = 16),
    CONSTRAINT events_capacity_in_range CHECK (capacity BETWEEN 1 AND 2147483647),
    CONSTRAINT events_never_oversold CHECK (booked_count BETWEEN 0 AND capacity),
    CONSTRAINT events_held_count_within_booked CHECK (held_count BETWEEN 0 AND booked_count),
    CONSTRAINT events_waitlist_count_not_negative CHECK (waitlist_count >= 0),
    CONSTRAINT events_version_counts_from_one CHECK (version >= 1),
    CONSTRAINT events_status_known CHECK (status IN ('draft', 'published', 'cancelled')),
    CONSTRAINT events_closes_after_opening CHECK (closes_at >= opens_at),
    CONSTRAINT events_waitlist_enabled_is_a_truth CHECK (waitlist_enabled IN (0, 1)),
    CONSTRAINT events_offer_ttl_within_a_week CHECK (offer_ttl_seconds BETWEEN 60 AND 604800),
    CONSTRAINT events_ends_after_start CHECK (ends_at >= starts_at),
    CONSTRAINT events_venue_length CHECK (length(venue) BETWEEN 1 AND 200),
    CONSTRAINT events_name_length CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT events_description_length CHECK (length(description) <= 10000)
) STRICT;

INSERT INTO events_anew (id, capacity, booked_count, version, created_at, name, description)
SELECT id, capacity, booked_count, version, created_at, name, description FROM events;

DROP TABLE events;
ALTER TABLE events_anew RENAME TO events;

-- The listing of events, newest first.
CREATE INDEX events_newest_first ON events (created_at, id);

-- For whoever tidies. An event without holds and offers is not in it.
CREATE INDEX events_due ON events (due_at) WHERE due_at IS NOT NULL;

-- The column event_version stays what it was, the version that made the row: the order of the listing and
-- of the queue. The table is altered, which writes no row: there may be many. Each check looks first at
-- what a plain confirmed seat has, since all of them are made for every row that is written.
ALTER TABLE registrations ADD COLUMN status TEXT NOT NULL DEFAULT 'confirmed';
-- When a hold or an offer runs out.
ALTER TABLE registrations ADD COLUMN expires_at INTEGER
    CONSTRAINT registrations_runs_out_if_held CHECK (
        expires_at IS NULL
            AND (status = 'confirmed' OR status IN ('waitlisted', 'cancelled', 'expired'))
        OR expires_at IS NOT NULL AND status IN ('held', 'offered')
    );
-- The version of its last change; NULL while that is the one that made it.
ALTER TABLE registrations ADD COLUMN changed_version INTEGER
    CONSTRAINT registrations_changes_follow_making CHECK (changed_version > event_version);
-- Raised by whatever makes earlier tickets worthless.
ALTER TABLE registrations ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
ALTER TABLE registrations ADD COLUMN token_hash BLOB
    CONSTRAINT registrations_token_hash_length CHECK (
        token_hash IS NULL OR length(token_hash) = 32
    );
ALTER TABLE registrations ADD COLUMN name TEXT
    CONSTRAINT registrations_name_length CHECK (name IS NULL OR length(name) BETWEEN 1 AND 200);
ALTER TABLE registrations ADD COLUMN checked_in_at INTEGER;
ALTER TABLE registrations ADD COLUMN scan_id BLOB
    CONSTRAINT registrations_checked_in_by_a_scan CHECK (
        checked_in_at IS NULL AND scan_id IS NULL
        OR checked_in_at IS NOT NULL AND length(scan_id) IS 16
    );

-- The public id alone leads to a registration, so it comes first.
DROP INDEX registrations_id;
CREATE UNIQUE INDEX registrations_id ON registrations (id, event_id);

-- One live registration for an address: what has ended leaves it free. Said by what is not live, which
-- takes two comparisons; a query has to say the same in the same words to go by this index.
DROP INDEX registrations_live_email;
CREATE UNIQUE INDEX registrations_live_email ON registrations (event_id, user_email)
    WHERE status <> 'cancelled' AND status <> 'expired';

-- What runs out, and who waits. A confirmed seat is in neither, and costs nothing here.
CREATE INDEX registrations_running_out ON registrations (event_id, expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX registrations_waiting ON registrations (event_id, event_version)
    WHERE status = 'waitlisted';

-- What was answered to requests that may come again, for 24 hours. The rows lie in the order in which they
-- came, and not in that of the hashes, so that a batch of them is written to few pages.
CREATE TABLE idempotency_records (
    -- The nil UUID for requests that are of no event yet: those that put one up.
    event_id BLOB NOT NULL,
    key_hash BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- JSON.
    outcome TEXT NOT NULL,
    CONSTRAINT idempotency_records_pkey PRIMARY KEY (event_id, key_hash),
    CONSTRAINT idempotency_records_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT idempotency_records_key_hash_length CHECK (length(key_hash) = 32),
    CONSTRAINT idempotency_records_fingerprint_length CHECK (length(fingerprint) = 32)
) STRICT;

-- For deleting those that have run out.
CREATE INDEX idempotency_records_recorded_at ON idempotency_records (recorded_at);

-- The secret halves of the keys that tickets are signed with; the newest signs, all of them verify.
CREATE TABLE signing_keys (
    id INTEGER NOT NULL,
    seed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT signing_keys_pkey PRIMARY KEY (id),
    CONSTRAINT signing_keys_seed_length CHECK (length(seed) = 32)
) STRICT;
