-- Events that are moved to another store while they are sold. A server of the version before knows of none that must not be
-- changed now: once an event is moved to or from here, it may not start any more (see schema_compatibility), and one that still
-- runs is to be replaced before. No row is rewritten.

-- Until when nobody changes the event, because it is being handed over. NULL: anybody may.
ALTER TABLE events ADD COLUMN frozen_until timestamptz;

-- Where events are that are not, or not only, here. Without a row in events nothing else of an event counts for anything.
CREATE TABLE moving_events (
    event_id  uuid        NOT NULL,
    -- 'leaving': it is served here, and copied. 'arriving': it is copied to here. 'left': it is served elsewhere, or will be.
    direction text        NOT NULL,
    -- By which move: whoever has another writes nothing.
    move_id   uuid        NOT NULL,
    -- What people call the other store.
    place     text        NOT NULL,
    since     timestamptz NOT NULL,
    -- 'leaving': until when nobody else may move it.
    until     timestamptz,
    -- 'left': what it is put up with where it arrives, as JSON; NULL once it is there and nothing of it is here.
    state     text,
    CONSTRAINT moving_events_pkey PRIMARY KEY (event_id)
);
ALTER TABLE moving_events
    ADD CONSTRAINT moving_events_direction_known CHECK (direction IN ('leaving', 'arriving', 'left'));
