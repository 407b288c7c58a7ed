-- Every key of a child table begins with event_id, so that the tables can one day be distributed by it.

CREATE TABLE events (
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    description  text        NOT NULL,
    capacity     integer     NOT NULL,
    booked_count integer     NOT NULL,
    version      bigint      NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_capacity_positive CHECK (capacity >= 1),
    CONSTRAINT events_booked_count_within_capacity CHECK (booked_count BETWEEN 0 AND capacity),
    CONSTRAINT events_version_positive CHECK (version >= 1),
    CONSTRAINT events_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    CONSTRAINT events_description_length CHECK (char_length(description) <= 10000)
)
-- A hot event's row is rewritten by every batch. Room on its page lets PostgreSQL do that in place
-- (heap-only tuples), without touching an index.
WITH (fillfactor = 50);

-- For the listing, newest first.
CREATE INDEX events_created_at ON events (created_at, id);

-- No foreign key to events: registrations are written only under the lock of an event row that was
-- read in the same transaction, and its trigger would check that once more for every row. The audit
-- counts rows without an event.
CREATE TABLE registrations (
    event_id      uuid             NOT NULL,
    id            uuid             NOT NULL,
    user_email    text COLLATE "C" NOT NULL,
    event_version bigint           NOT NULL,
    created_at    timestamptz      NOT NULL,
    CONSTRAINT registrations_pkey PRIMARY KEY (event_id, id),
    -- One live registration for an address, whatever the code above does.
    CONSTRAINT registrations_live_email UNIQUE (event_id, user_email),
    -- The listing's order, and proof that no two changes made the same version.
    CONSTRAINT registrations_event_version UNIQUE (event_id, event_version),
    CONSTRAINT registrations_user_email_length CHECK (octet_length(user_email) BETWEEN 3 AND 254)
);

-- The outbox: what was decided, one row for each event and transaction. The facts in `body` made the
-- versions from version_first to version_last, in order.
CREATE TABLE facts (
    event_id      uuid        NOT NULL,
    version_first bigint      NOT NULL,
    version_last  bigint      NOT NULL,
    recorded_at   timestamptz NOT NULL,
    -- A JSON array, as text: what nobody searches need not be parsed when it is written.
    body          text        NOT NULL,
    CONSTRAINT facts_pkey PRIMARY KEY (event_id, version_first),
    CONSTRAINT facts_versions_in_order CHECK (1 <= version_first AND version_first <= version_last)
);
-- Not compressed either: that would be done under the lock.
ALTER TABLE facts ALTER COLUMN body SET STORAGE EXTERNAL;
