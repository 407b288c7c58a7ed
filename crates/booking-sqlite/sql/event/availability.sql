-- event/availability: how full an event is at an instant
SELECT
    id, organizer_id, status, capacity, version,
    -- What has expired counts for nothing, swept or not.
    booked_count - CASE WHEN due_at <= ?1 THEN (
        SELECT count(*) FROM registrations WHERE event_id = events.id AND expires_at <= ?1
    ) ELSE 0 END,
    waitlist_count, coalesce(due_at > ?1, 1)
FROM events
WHERE id = ?2
