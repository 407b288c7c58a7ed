-- Ids are UUIDs as 16 bytes, times are microseconds since 1970 in UTC. Every key of what belongs to an
-- event starts with the event's id.

CREATE TABLE events (
    id BLOB NOT NULL,
    capacity INTEGER NOT NULL,
    -- Seats taken. Always the number of the event's registrations.
    booked_count INTEGER NOT NULL,
    -- The number of committed changes, the creation included.
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Last, because it can be long: what stands before it is read without following its pages.
    description TEXT NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_id_is_a_uuid CHECK (length(id) = 16),
    CONSTRAINT events_capacity_in_range CHECK (capacity BETWEEN 1 AND 2147483647),
    CONSTRAINT events_never_oversold CHECK (booked_count BETWEEN 0 AND capacity),
    CONSTRAINT events_version_counts_from_one CHECK (version >= 1),
    CONSTRAINT events_name_length CHECK (length(name) BETWEEN 1 AND 200),
    CONSTRAINT events_description_length CHECK (length(description) <= 10000)
) STRICT;

-- The listing of events, newest first.
CREATE INDEX events_newest_first ON events (created_at, id);

-- Clustered in the order in which they are listed.
CREATE TABLE registrations (
    event_id BLOB NOT NULL,
    -- The version of the event that this registration made.
    event_version INTEGER NOT NULL,
    id BLOB NOT NULL,
    user_email TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT registrations_pkey PRIMARY KEY (event_id, event_version),
    CONSTRAINT registrations_of_an_event FOREIGN KEY (event_id) REFERENCES events (id),
    CONSTRAINT registrations_id_is_a_uuid CHECK (length(id) = 16),
    -- The event's creation was version 1.
    CONSTRAINT registrations_follow_creation CHECK (event_version >= 2),
    CONSTRAINT registrations_email_length
        CHECK (length(CAST(user_email AS BLOB)) BETWEEN 1 AND 254)
) STRICT, WITHOUT ROWID;

-- Indexes and not table constraints, because SQLite can drop an index and never a constraint.
CREATE UNIQUE INDEX registrations_id ON registrations (event_id, id);
CREATE UNIQUE INDEX registrations_live_email ON registrations (event_id, user_email);

-- What happened, written in the transaction that made it so: one row for each event and transaction,
-- with one fact for each version from version_first to version_last.
CREATE TABLE facts (
    event_id BLOB NOT NULL,
    version_first INTEGER NOT NULL,
    version_last INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- A JSON array.
    body TEXT NOT NULL,
    CONSTRAINT facts_pkey PRIMARY KEY (event_id, version_first),
    CONSTRAINT facts_of_an_event FOREIGN KEY (event_id) REFERENCES events (id),
    CONSTRAINT facts_versions_in_order CHECK (1 <= version_first AND version_first <= version_last),
    CONSTRAINT facts_one_for_each_version
        CHECK (json_array_length(body) = version_last - version_first + 1)
) STRICT, WITHOUT ROWID;
