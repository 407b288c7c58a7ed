-- That it is so of the rows from before, too. Every event is read once, and nobody waits for that.
ALTER TABLE events VALIDATE CONSTRAINT events_reminded_within_thirty_days;
