-- event/list: newest first, those before an instant and id, as they are at another instant: what is no
-- draft and listed, with ?6 also all that is nobody's, and with ?5 all
-- It walks past those that are not asked for: drafts are few for long, and who has many
-- unlisted ones makes others walk past them.
SELECT
    id, capacity, version, status, opens_at, closes_at, waitlist_enabled, offer_ttl_seconds,
    conceal_registered, confirm_address, waitlist_count, created_at, starts_at, ends_at, timezone, venue, name,
    description, retention_days, language, remind_hours, organizer_name, contact, unlisted,
    -- What has run out counts for nothing, whether it was tidied or not.
    booked_count - CASE WHEN due_at <= ?1 THEN (
        SELECT count(*) FROM registrations WHERE event_id = events.id AND expires_at <= ?1
    ) ELSE 0 END,
    coalesce(due_at > ?1, 1),
    organizer_id, coalesce(changed_at, created_at), coalesce(details_changed_at, created_at), sequence, asks
FROM events
WHERE (created_at, id) < (?2, ?3)
    AND (status <> 'draft' AND NOT unlisted OR ?5 OR ?6 AND organizer_id IS NULL)
ORDER BY created_at DESC, id DESC
LIMIT ?4
