-- For whoever counts what an event's registrations have become. A seat that is given at once is in neither index, and
-- costs nothing here; nor does a hold that is confirmed. Making them reads the table once, and whoever writes waits for that.
CREATE INDEX registrations_ended ON registrations (event_id, status)
    WHERE status IN ('cancelled', 'expired');
CREATE INDEX registrations_checked_in ON registrations (event_id)
    WHERE checked_in_at IS NOT NULL;

-- The listing of events by their beginnings. Those that have none come last: the year 10000 is beyond every other.
CREATE INDEX events_by_start ON events (coalesce(starts_at, '10000-01-01 00:00:00+00'::timestamptz), id);
