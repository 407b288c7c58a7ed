-- event/list_of: an organizer's events before a cursor, newest first, as event/find reads them
SELECT {event}, booked_count, due_at <= coalesce($4::timestamptz, statement_timestamp()) IS NOT TRUE AS is_settled
FROM events
WHERE organizer_id = $5::uuid AND (created_at, id) < ($1::timestamptz, $2::uuid)
ORDER BY created_at DESC, id DESC
LIMIT $3::bigint
