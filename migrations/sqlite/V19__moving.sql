-- Events that are moved to another store while they are sold. A program of the version before knows of none that must not be
-- changed now: once an event is moved to or from here, it may not open the file any more (see schema_compatibility), and one that
-- still has it open is to be replaced before.

-- Until when nobody changes the event, because it is being handed over. NULL: anybody may. It is behind what can be long, and
-- read all the same without that: NULL has no bytes of its own.
ALTER TABLE events ADD COLUMN frozen_until INTEGER;

-- Where events are that are not, or not only, here. Without a row in events nothing else of an event counts for anything.
CREATE TABLE moving_events (
    event_id BLOB NOT NULL,
    -- 'leaving': it is served here, and copied. 'arriving': it is copied to here. 'left': it is served elsewhere, or will be.
    direction TEXT NOT NULL,
    -- By which move: whoever has another writes nothing.
    move_id BLOB NOT NULL,
    -- What people call the other store.
    place TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- 'leaving': until when nobody else may move it.
    until INTEGER,
    -- 'left': what it is put up with where it arrives, as JSON; NULL once it is there and nothing of it is here.
    state TEXT,
    CONSTRAINT moving_events_pkey PRIMARY KEY (event_id),
    CONSTRAINT moving_events_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT moving_events_move_id_is_a_uuid CHECK (length(move_id) = 16),
    CONSTRAINT moving_events_direction_known CHECK (direction IN ('leaving', 'arriving', 'left'))
) STRICT;

-- An event's row comes last where it arrives and goes first where it leaves, so that registrations and facts no longer refer to
-- it: both tables are made anew, as they lie. The audit counts what is of no event.

CREATE TABLE registrations_anew (
    event_id BLOB NOT NULL,
    -- The version of the event that this registration made: the order of the listing and of the queue.
    event_version INTEGER NOT NULL,
    -- The version of its last change; NULL while that is the one that made it.
    changed_version INTEGER,
    id BLOB NOT NULL,
    user_email TEXT NOT NULL,
    name TEXT,
    status TEXT NOT NULL DEFAULT 'confirmed',
    -- When a hold or an offer runs out.
    expires_at INTEGER,
    -- Raised by whatever makes earlier tickets worthless.
    generation INTEGER NOT NULL DEFAULT 0,
    token_hash BLOB,
    checked_in_at INTEGER,
    scan_id BLOB,
    created_at INTEGER NOT NULL,
    -- A JSON object. It is personal. NULL: nothing was answered.
    answers TEXT,
    CONSTRAINT registrations_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT registrations_id_is_a_uuid CHECK (length(id) = 16),
    -- The event's creation was version 1.
    CONSTRAINT registrations_follow_creation CHECK (event_version >= 2),
    CONSTRAINT registrations_email_length
        CHECK (length(CAST(user_email AS BLOB)) BETWEEN 1 AND 254),
    -- Each check looks first at what a plain confirmed seat has, since all are made for every row that is written.
    CONSTRAINT registrations_runs_out_if_held CHECK (
        expires_at IS NULL
            AND (status = 'confirmed' OR status IN ('waitlisted', 'cancelled', 'expired'))
        OR expires_at IS NOT NULL AND status IN ('held', 'offered')
    ),
    CONSTRAINT registrations_changes_follow_making CHECK (changed_version > event_version),
    CONSTRAINT registrations_token_hash_length CHECK (
        token_hash IS NULL OR length(token_hash) = 32
    ),
    CONSTRAINT registrations_name_length CHECK (name IS NULL OR length(name) BETWEEN 1 AND 200),
    CONSTRAINT registrations_checked_in_by_a_scan CHECK (
        checked_in_at IS NULL AND scan_id IS NULL
        OR checked_in_at IS NOT NULL AND length(scan_id) IS 16
    )
) STRICT;

INSERT INTO registrations_anew (
    event_id, event_version, changed_version, id, user_email, name, status, expires_at, generation, token_hash,
    checked_in_at, scan_id, created_at, answers
)
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at, generation, token_hash,
    checked_in_at, scan_id, created_at, answers
FROM registrations
ORDER BY rowid;

DROP TABLE registrations;
ALTER TABLE registrations_anew RENAME TO registrations;

-- The listing, oldest first; and that a version makes one registration at most.
CREATE UNIQUE INDEX registrations_event_version ON registrations (event_id, event_version);

-- The public id alone leads to a registration, so it comes first.
CREATE UNIQUE INDEX registrations_id ON registrations (id, event_id);

-- One live registration for an address: what has ended leaves it free. Said by what is not live, which
-- takes two comparisons; a query has to say the same in the same words to go by this index.
CREATE UNIQUE INDEX registrations_live_email ON registrations (event_id, user_email)
    WHERE status <> 'cancelled' AND status <> 'expired';

-- What runs out, in its order, and who waits. A confirmed seat is in neither, and costs nothing here.
CREATE INDEX registrations_running_out ON registrations (event_id, expires_at, event_version)
    WHERE expires_at IS NOT NULL;
CREATE INDEX registrations_waiting ON registrations (event_id, event_version)
    WHERE status = 'waitlisted';

-- For whoever counts what an event's registrations have become. A seat that is given at once is in neither index, and
-- costs nothing here; nor does a hold that is confirmed.
CREATE INDEX registrations_ended ON registrations (event_id, status)
    WHERE status = 'cancelled' OR status = 'expired';
CREATE INDEX registrations_checked_in ON registrations (event_id, checked_in_at)
    WHERE checked_in_at IS NOT NULL;

CREATE TABLE facts_anew (
    event_id BLOB NOT NULL,
    version_first INTEGER NOT NULL,
    version_last INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- A JSON array.
    body TEXT NOT NULL,
    CONSTRAINT facts_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT facts_versions_in_order CHECK (1 <= version_first AND version_first <= version_last),
    CONSTRAINT facts_one_for_each_version
        CHECK (json_array_length(body) = version_last - version_first + 1)
) STRICT;

INSERT INTO facts_anew (event_id, version_first, version_last, recorded_at, body)
SELECT event_id, version_first, version_last, recorded_at, body
FROM facts
ORDER BY rowid;

-- Its trigger goes with it, and is made again: what is copied is not new.
DROP TABLE facts;
ALTER TABLE facts_anew RENAME TO facts;

CREATE UNIQUE INDEX facts_event_version ON facts (event_id, version_first);

CREATE TRIGGER facts_are_new AFTER INSERT ON facts
BEGIN
    INSERT INTO new_facts (event_id, version_first)
    VALUES (NEW.event_id, NEW.version_first)
    ON CONFLICT (event_id) DO NOTHING;
END;
