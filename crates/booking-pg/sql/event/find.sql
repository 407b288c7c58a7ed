-- event/find: events as their rows say, which is as they are now unless something is due
-- With ORDER BY only the primary key will do, whatever the table held when this was planned.
SELECT
    id, created_at, name, description, starts_at, ends_at, timezone, venue, retention_days, language::text,
    remind_hours, organizer_name, contact, unlisted, capacity, version, status::text, opens_at, closes_at, waitlist_enabled, offer_ttl_seconds,
    conceal_registered, confirm_address, waitlist_count, due_at <= coalesce($2::timestamptz, statement_timestamp()) IS NOT TRUE AS is_settled, booked_count,
    organizer_id, coalesce(changed_at, created_at), coalesce(details_changed_at, created_at), sequence, asks
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
