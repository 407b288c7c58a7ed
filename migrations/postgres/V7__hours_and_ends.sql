-- Events that are over, and what names one state of an event. Servers of the version before go on beside
-- those of this one; what they change keeps the time of the change before it. No row is rewritten, so
-- nobody waits for this migration longer than for whoever reads the table as a whole.

ALTER TABLE events
    -- Whether who comes when there is no seat is told just that, also who is registered.
    ADD COLUMN conceal_registered boolean NOT NULL DEFAULT false,
    -- When the version was made, and when what people are told of it last changed. NULL: as created_at.
    ADD COLUMN changed_at         timestamptz,
    ADD COLUMN details_changed_at timestamptz,
    -- How often its times, its place or its status have changed.
    ADD COLUMN sequence           integer NOT NULL DEFAULT 0;
