-- How long before an event's beginning people are reminded, as the program has always held to. By a CHECK, and not by
-- the column's type: with another type statements that servers have prepared would fail, and every row be written
-- anew. Rows that are there are looked at by the next migration, which is a transaction of its own: this one keeps
-- everybody out, and so must take no longer than a moment.
ALTER TABLE events
    ADD CONSTRAINT events_reminded_within_thirty_days CHECK (remind_hours BETWEEN 1 AND 720) NOT VALID;
