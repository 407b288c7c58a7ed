-- event/find: events as their rows say, which is as they are now unless something is due
-- With ORDER BY only the primary key will do, whatever the table held when this was planned.
SELECT {event}, booked_count, due_at <= coalesce($2::timestamptz, statement_timestamp()) IS NOT TRUE AS is_settled
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
