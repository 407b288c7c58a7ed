-- What an event asks of those who come, and what they answered. No row is rewritten, and no event asks anything yet. A
-- program of the version before would sell without asking, and leave out the answers of whatever it changes: once an event
-- asks something, it may not open the file any more (see schema_compatibility), and one that still has it open is to be
-- replaced before.

CREATE TABLE event_questions (
    event_id BLOB NOT NULL,
    -- A JSON array: what it asks, and what it has asked that somebody has answered.
    body TEXT NOT NULL,
    CONSTRAINT event_questions_pkey PRIMARY KEY (event_id),
    CONSTRAINT event_questions_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT event_questions_body_is_an_array CHECK (json_type(body) = 'array')
) STRICT;

-- Whether it asks anything: where it does not, nothing more is read of a sale. It is behind what can be long, and read all
-- the same without that: 0 and 1 have no bytes of their own.
ALTER TABLE events
    ADD COLUMN asks INTEGER NOT NULL DEFAULT 0
        CONSTRAINT events_asks_is_a_truth CHECK (asks IN (0, 1));

-- A JSON object. It is personal. NULL: nothing was answered.
ALTER TABLE registrations ADD COLUMN answers TEXT;
