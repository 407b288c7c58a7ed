-- event/list_of: event/list of an organizer
SELECT
    {event},
    -- What has expired counts for nothing, swept or not.
    booked_count - CASE WHEN due_at <= ?1 THEN (
        SELECT count(*) FROM registrations WHERE event_id = events.id AND expires_at <= ?1
    ) ELSE 0 END,
    coalesce(due_at > ?1, 1)
FROM events
WHERE organizer_id = ?5 AND (created_at, id) < (?2, ?3)
ORDER BY created_at DESC, id DESC
LIMIT ?4
