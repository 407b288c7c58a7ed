-- How an event writes to those who come. Servers of the version before go on beside those of this one: what they
-- put up is English, reminds nobody and confirms no addresses; what they move is reminded of at its old time; and
-- they give seats at once where an address is to be confirmed, so replace them before that is asked for. No row is
-- rewritten: these types have no checks, for which PostgreSQL would write every row anew.

CREATE TYPE event_language AS ENUM ('en', 'de');

ALTER TABLE events
    ADD COLUMN language        event_language NOT NULL DEFAULT 'en',
    -- How long before its beginning. NULL: nobody is reminded.
    ADD COLUMN remind_hours    integer,
    -- When; NULL if never, or if it is done.
    ADD COLUMN remind_at       timestamptz,
    -- Whether a visitor's seat is held until whoever has the address has confirmed it.
    ADD COLUMN confirm_address boolean        NOT NULL DEFAULT false;

-- For whoever reminds. What is done is not in it.
CREATE INDEX events_reminding ON events (remind_at) WHERE remind_at IS NOT NULL;
