-- event/update: writes the counts and versions of events whose rows are locked
-- As long as due_at stays the same no index is touched.
UPDATE events
SET booked_count = changed.booked_count,
    held_count = changed.held_count,
    waitlist_count = changed.waitlist_count,
    version = changed.version,
    due_at = changed.due_at
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $5::bigint[], $6::timestamptz[])
    AS changed (id, booked_count, held_count, waitlist_count, version, due_at)
WHERE events.id = changed.id
