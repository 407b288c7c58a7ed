-- What ends with its event.

-- An event without an end is over a day after its beginning, and what is kept of it is kept from then.
UPDATE events
SET erase_at = erase_at + 86400000000
WHERE erase_at IS NOT NULL AND ends_at IS NULL AND starts_at IS NOT NULL;

UPDATE registrations
SET expires_at = over.at
FROM (
    SELECT id, coalesce(ends_at, starts_at + 86400000000) AS at
    FROM events
    WHERE held_count > 0
) AS over
WHERE registrations.event_id = over.id AND registrations.status = 'offered'
    AND registrations.expires_at > over.at;

UPDATE events
SET due_at = coalesce(ends_at, starts_at + 86400000000)
WHERE held_count > 0 AND due_at > coalesce(ends_at, starts_at + 86400000000);
