-- What an event asks of those who come, and what they answered. No row is rewritten, and no event asks anything yet. A
-- server of the version before would sell without asking, and leave out the answers of whatever it changes: once an event
-- asks something, it may not start any more (see schema_compatibility), and one that still runs is to be replaced before.

CREATE TABLE event_questions (
    event_id uuid NOT NULL,
    -- A JSON array: what it asks, and what it has asked that somebody has answered.
    body     text NOT NULL,
    CONSTRAINT event_questions_pkey PRIMARY KEY (event_id)
);

-- Whether it asks anything: where it does not, nothing more is read of a sale.
ALTER TABLE events ADD COLUMN asks boolean NOT NULL DEFAULT false;

-- A JSON object. It is personal. NULL: nothing was answered.
ALTER TABLE registrations ADD COLUMN answers text;
