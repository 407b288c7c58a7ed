-- event/list: newest first, those before an instant and id, as they are at another instant: what is no
-- draft and listed, with ?6 also all that is nobody's, and with ?5 all
-- It walks past events that the caller may not see: drafts are few for long, and an organizer with
-- many unlisted ones makes other callers walk past them.
SELECT
    {event},
    -- What has expired counts for nothing, swept or not.
    booked_count - CASE WHEN due_at <= ?1 THEN (
        SELECT count(*) FROM registrations WHERE event_id = events.id AND expires_at <= ?1
    ) ELSE 0 END,
    coalesce(due_at > ?1, 1)
FROM events
WHERE (created_at, id) < (?2, ?3)
    AND (status <> 'draft' AND NOT unlisted OR ?5 OR ?6 AND organizer_id IS NULL)
ORDER BY created_at DESC, id DESC
LIMIT ?4
