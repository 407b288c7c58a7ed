-- Who puts an event up, where people ask about it, and whether listings leave it out. No row is rewritten. A server of the
-- version before keeps what is there, but would list what is not to be listed: once an event is unlisted, it may not start
-- any more (see schema_compatibility), and one that still runs is to be replaced before.

ALTER TABLE events
    ADD COLUMN organizer_name text,
    -- An e-mail address or a URL.
    ADD COLUMN contact        text,
    ADD COLUMN unlisted       boolean NOT NULL DEFAULT false;
