-- For how long whose registrations were is kept. Altered, which writes no row; these columns stand behind
-- the description and are read only with it.

-- Counted from the event's end. NULL: for ever.
ALTER TABLE events ADD COLUMN retention_days INTEGER
    CONSTRAINT events_retention_within_ten_years CHECK (retention_days BETWEEN 0 AND 3650);
-- When there is something to be erased; NULL if never, or if everything is.
ALTER TABLE events ADD COLUMN erase_at INTEGER;
-- Every registration that this or an earlier version made is erased.
ALTER TABLE events ADD COLUMN erased_to INTEGER NOT NULL DEFAULT 1;

-- For whoever erases. What is erased is not in it.
CREATE INDEX events_erasable ON events (erase_at) WHERE erase_at IS NOT NULL;
