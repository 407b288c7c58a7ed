-- For whoever counts what an event's registrations have become. A seat that is given at once is in neither index, and
-- costs nothing here; nor does a hold that is confirmed.
CREATE INDEX registrations_ended ON registrations (event_id, status)
    WHERE status = 'cancelled' OR status = 'expired';
CREATE INDEX registrations_checked_in ON registrations (event_id, checked_in_at)
    WHERE checked_in_at IS NOT NULL;

-- The listing of events by their beginnings. Those that have none come last: the year 10000 is beyond every other.
CREATE INDEX events_by_start ON events (coalesce(starts_at, 253402300800000000), id);
