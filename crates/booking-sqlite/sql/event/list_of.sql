-- event/list_of: event/list of an organizer
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
WHERE organizer_id = ?5 AND (created_at, id) < (?2, ?3)
ORDER BY created_at DESC, id DESC
LIMIT ?4
