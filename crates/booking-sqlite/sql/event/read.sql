-- event/read: as it is at an instant
SELECT
    {event},
    -- What has expired counts for nothing, swept or not.
    booked_count - CASE WHEN due_at <= ?1 THEN (
        SELECT count(*) FROM registrations WHERE event_id = events.id AND expires_at <= ?1
    ) ELSE 0 END,
    coalesce(due_at > ?1, 1)
FROM events
WHERE id = ?2
