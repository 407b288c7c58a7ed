-- event/edit: event/update with all that an organizer can change, at once, since the one is checked
-- against the other
UPDATE events
SET
    booked_count = ?3, held_count = ?4, waitlist_count = ?5, version = ?6, due_at = ?7,
    capacity = ?8, status = ?9, opens_at = ?10, closes_at = ?11, waitlist_enabled = ?12,
    offer_ttl_seconds = ?13, starts_at = ?14, ends_at = ?15, timezone = ?16, venue = ?17,
    name = ?18, description = ?19,
    -- An event is cancelled once.
    cancelled_version = coalesce(cancelled_version, ?20),
    retention_days = ?21, erase_at = ?22, erased_to = coalesce(?23, erased_to),
    conceal_registered = ?24, changed_at = coalesce(?25, changed_at), details_changed_at = ?26,
    sequence = ?27, language = ?28, remind_hours = ?29, remind_at = ?30, confirm_address = ?31, asks = ?32,
    organizer_name = ?33, contact = ?34, unlisted = ?35
WHERE id = ?1 AND version = ?2
