-- event/details: what a decision that changes the event itself needs of it
SELECT created_at, starts_at, ends_at, timezone, venue, name, description, retention_days, language,
    remind_hours, organizer_name, contact, unlisted, erase_at, coalesce(changed_at, created_at), coalesce(details_changed_at, created_at), sequence,
    remind_at
FROM events
WHERE id = ?1
