-- What ends with its event. Servers of the version before still write what is to be erased a day early where
-- an event has no end, and offers that outlast it; from that end on nobody can accept those.

-- An event without an end is over a day after its beginning, and what is kept of it is kept from then.
UPDATE events
SET erase_at = erase_at + interval '24 hours'
WHERE erase_at IS NOT NULL AND ends_at IS NULL AND starts_at IS NOT NULL;

UPDATE registrations
SET expires_at = over.at
FROM (
    SELECT id, coalesce(ends_at, starts_at + interval '24 hours') AS at
    FROM events
    WHERE held_count > 0
) AS over
WHERE registrations.event_id = over.id AND registrations.status = 'offered'
    AND registrations.expires_at > over.at;

UPDATE events
SET due_at = coalesce(ends_at, starts_at + interval '24 hours')
WHERE held_count > 0 AND due_at > coalesce(ends_at, starts_at + interval '24 hours');
