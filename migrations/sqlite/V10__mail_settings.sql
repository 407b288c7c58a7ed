-- How an event writes to those who come. Made anew, and not altered, so that what can be long is last again.

CREATE TABLE events_anew (
    id BLOB NOT NULL,
    -- Whose it is. NULL: nobody's.
    organizer_id BLOB,
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
    -- Whether who comes when there is no seat is told just that, also who is registered.
    conceal_registered INTEGER NOT NULL DEFAULT 0,
    -- Whether a visitor's seat is held until whoever has the address has confirmed it.
    confirm_address INTEGER NOT NULL DEFAULT 0,
    -- When the version was made, and when what people are told of it last changed. NULL: as created_at.
    changed_at INTEGER,
    details_changed_at INTEGER,
    -- How often its times, its place or its status have changed.
    sequence INTEGER NOT NULL DEFAULT 0,
    -- The version that called it off.
    cancelled_version INTEGER,
    created_at INTEGER NOT NULL,
    starts_at INTEGER,
    ends_at INTEGER,
    -- For how long whose registrations were is kept, counted from the event's end. NULL: for ever.
    retention_days INTEGER,
    -- When there is something to be erased; NULL if never, or if everything is.
    erase_at INTEGER,
    -- Every registration that this or an earlier version made is erased.
    erased_to INTEGER NOT NULL DEFAULT 1,
    language TEXT NOT NULL DEFAULT 'en',
    -- How long before its beginning those who come are reminded. NULL: they are not.
    remind_hours INTEGER,
    -- When; NULL if never, or if it is done.
    remind_at INTEGER,
    -- A name of the IANA database. It says how the times are shown; the times themselves are instants.
    timezone TEXT,
    venue TEXT,
    name TEXT NOT NULL,
    -- Last, because it can be long: what stands before it is read without following its pages.
    description TEXT NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_id_is_a_uuid CHECK (length(id) = 16),
    CONSTRAINT events_of_an_organizer FOREIGN KEY (organizer_id) REFERENCES organizers (id),
    CONSTRAINT events_capacity_in_range CHECK (capacity BETWEEN 1 AND 2147483647),
    CONSTRAINT events_never_oversold CHECK (booked_count BETWEEN 0 AND capacity),
    CONSTRAINT events_held_count_within_booked CHECK (held_count BETWEEN 0 AND booked_count),
    CONSTRAINT events_waitlist_count_not_negative CHECK (waitlist_count >= 0),
    CONSTRAINT events_version_counts_from_one CHECK (version >= 1),
    CONSTRAINT events_status_known CHECK (status IN ('draft', 'published', 'cancelled')),
    CONSTRAINT events_closes_after_opening CHECK (closes_at >= opens_at),
    CONSTRAINT events_waitlist_enabled_is_a_truth CHECK (waitlist_enabled IN (0, 1)),
    CONSTRAINT events_offer_ttl_within_a_week CHECK (offer_ttl_seconds BETWEEN 60 AND 604800),
    CONSTRAINT events_conceal_registered_is_a_truth CHECK (conceal_registered IN (0, 1)),
    CONSTRAINT events_confirm_address_is_a_truth CHECK (confirm_address IN (0, 1)),
    CONSTRAINT events_language_known CHECK (language IN ('en', 'de')),
    CONSTRAINT events_reminded_within_thirty_days CHECK (remind_hours BETWEEN 1 AND 720),
    CONSTRAINT events_sequence_not_negative CHECK (sequence >= 0),
    CONSTRAINT events_ends_after_start CHECK (ends_at >= starts_at),
    CONSTRAINT events_retention_within_ten_years CHECK (retention_days BETWEEN 0 AND 3650),
    CONSTRAINT events_venue_length CHECK (length(venue) BETWEEN 1 AND 200),
    CONSTRAINT events_name_length CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT events_description_length CHECK (length(description) <= 10000)
) STRICT;

INSERT INTO events_anew (
    id, organizer_id, capacity, booked_count, held_count, waitlist_count, version, due_at, status, opens_at,
    closes_at, waitlist_enabled, offer_ttl_seconds, conceal_registered, changed_at, details_changed_at, sequence,
    cancelled_version, created_at, starts_at, ends_at, retention_days, erase_at, erased_to, timezone, venue, name,
    description
)
SELECT
    id, organizer_id, capacity, booked_count, held_count, waitlist_count, version, due_at, status, opens_at,
    closes_at, waitlist_enabled, offer_ttl_seconds, conceal_registered, changed_at, details_changed_at, sequence,
    cancelled_version, created_at, starts_at, ends_at, retention_days, erase_at, erased_to, timezone, venue, name,
    description
FROM events;

DROP TABLE events;
ALTER TABLE events_anew RENAME TO events;

-- The listing of events, newest first.
CREATE INDEX events_newest_first ON events (created_at, id);

-- An organizer's listing. What is nobody's is not in it.
CREATE INDEX events_of_organizer ON events (organizer_id, created_at, id)
    WHERE organizer_id IS NOT NULL;

-- For whoever tidies. An event without holds and offers is not in it.
CREATE INDEX events_due ON events (due_at) WHERE due_at IS NOT NULL;

-- For whoever erases. What is erased is not in it.
CREATE INDEX events_erasable ON events (erase_at) WHERE erase_at IS NOT NULL;

-- For whoever reminds. What is done is not in it.
CREATE INDEX events_reminding ON events (remind_at) WHERE remind_at IS NOT NULL;
