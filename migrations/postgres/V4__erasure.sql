-- For how long whose registrations were is kept. Servers of the version before go on beside those of this
-- one: they keep for ever what they put up. Nothing is rewritten, so nobody waits for this migration.

CREATE DOMAIN retention_days AS integer CHECK (VALUE BETWEEN 0 AND 3650);

ALTER TABLE events
    -- Counted from its end. NULL: for ever.
    ADD COLUMN retention_days retention_days,
    -- When there is something to be erased; NULL if never, or if everything is.
    ADD COLUMN erase_at       timestamptz,
    -- Every registration that this or an earlier version made is erased.
    ADD COLUMN erased_to      bigint NOT NULL DEFAULT 1;

-- For whoever erases. What is erased is not in it.
CREATE INDEX events_erasable ON events (erase_at) WHERE erase_at IS NOT NULL;
