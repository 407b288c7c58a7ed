-- Who puts an event up, where people ask about it, and whether listings leave it out. No row is rewritten. A program of the
-- version before keeps what is there, but would list what is not to be listed: once an event is unlisted, it may not open
-- the file any more (see schema_compatibility), and one that still has it open is to be replaced before.

-- These two stand behind what can be long, and are never read without it.
ALTER TABLE events ADD COLUMN organizer_name TEXT;
-- An e-mail address or a URL.
ALTER TABLE events ADD COLUMN contact TEXT;
-- This one is read all the same without that: 0 and 1 have no bytes of their own.
ALTER TABLE events
    ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0
        CONSTRAINT events_unlisted_is_a_truth CHECK (unlisted IN (0, 1));
