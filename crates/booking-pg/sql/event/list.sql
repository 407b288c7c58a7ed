-- event/list: the events before a cursor, newest first, as event/find reads them: those that are no drafts
-- and listed, with $6 also all that are nobody's, and with $5 all
-- It walks past events that the caller may not see: drafts are few for long, and an organizer with
-- many unlisted ones makes other callers walk past them.
SELECT {event}, booked_count, due_at <= coalesce($4::timestamptz, statement_timestamp()) IS NOT TRUE AS is_settled
FROM events
WHERE (created_at, id) < ($1::timestamptz, $2::uuid)
    AND ((status <> 'draft' AND NOT unlisted) OR $5::boolean OR ($6::boolean AND organizer_id IS NULL))
ORDER BY created_at DESC, id DESC
LIMIT $3::bigint
