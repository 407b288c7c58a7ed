-- event/list: the events before a cursor, newest first, as event/find reads them: those that are no drafts
-- and listed, with $6 also all that are nobody's, and with $5 all
-- It walks past those that are not asked for: drafts are few for long, and who has many
-- unlisted ones makes others walk past them.
SELECT
    id, created_at, name, description, starts_at, ends_at, timezone, venue, retention_days, language::text,
    remind_hours, organizer_name, contact, unlisted, capacity, version, status::text, opens_at, closes_at, waitlist_enabled, offer_ttl_seconds,
    conceal_registered, confirm_address, waitlist_count, due_at <= coalesce($4::timestamptz, statement_timestamp()) IS NOT TRUE AS is_settled, booked_count,
    organizer_id, coalesce(changed_at, created_at), coalesce(details_changed_at, created_at), sequence, asks
FROM events
WHERE (created_at, id) < ($1::timestamptz, $2::uuid)
    AND ((status <> 'draft' AND NOT unlisted) OR $5::boolean OR ($6::boolean AND organizer_id IS NULL))
ORDER BY created_at DESC, id DESC
LIMIT $3::bigint
