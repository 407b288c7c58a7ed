-- event/details: what people are told of events whose rows are locked
SELECT
    id, created_at, name, description, starts_at, ends_at, timezone, venue, retention_days, language::text,
    remind_hours, organizer_name, contact, unlisted, erase_at, coalesce(changed_at, created_at), coalesce(details_changed_at, created_at), sequence,
    remind_at
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
