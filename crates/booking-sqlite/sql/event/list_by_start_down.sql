-- event/list_by_start_down: latest first, those after a beginning and id, as they are at an instant: of all, or of the organizer
-- ?7, those that begin from ?8 on and before ?9, and that are over or not as ?10 says
SELECT
    {event},
    -- What has expired counts for nothing, swept or not.
    booked_count - CASE WHEN due_at <= ?1 THEN (
        SELECT count(*) FROM registrations WHERE event_id = events.id AND expires_at <= ?1
    ) ELSE 0 END,
    coalesce(due_at > ?1, 1)
FROM events
WHERE coalesce(starts_at, 253402300800000000) <= ?2
    AND (coalesce(starts_at, 253402300800000000), id) < (?2, ?3)
    AND (status <> 'draft' AND NOT unlisted OR ?5 OR ?6 AND organizer_id IS NULL)
    AND (?7 IS NULL OR organizer_id = ?7)
    AND (?8 IS NULL OR starts_at >= ?8)
    AND (?9 IS NULL OR starts_at < ?9)
    AND (?10 IS NULL OR (coalesce(ends_at, starts_at + 86400000000) <= ?1) IS TRUE = ?10)
ORDER BY coalesce(starts_at, 253402300800000000) DESC, id DESC
LIMIT ?4
