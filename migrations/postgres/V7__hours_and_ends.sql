-- Events that are over, and what names one state of an event. Servers of the version before go on beside
-- those of this one; what they change keeps the time of the change before it. No row is rewritten but
-- those of which something is to be erased, so nobody waits for this migration.

ALTER TABLE events
    -- Whether who comes when there is no seat is told just that, also who is registered.
    ADD COLUMN conceal_registered boolean NOT NULL DEFAULT false,
    -- When the version was made, and when what people are told of it last changed. NULL: as created_at.
    ADD COLUMN changed_at         timestamptz,
    ADD COLUMN details_changed_at timestamptz,
    -- How often its times, its place or its status have changed.
    ADD COLUMN sequence           integer NOT NULL DEFAULT 0;

-- An event without an end is over a day after its beginning, and what is kept of it is kept from then.
UPDATE events
SET erase_at = erase_at + interval '24 hours'
WHERE erase_at IS NOT NULL AND ends_at IS NULL AND starts_at IS NOT NULL;
