-- event/update: writes the counts and versions of events whose rows are locked
UPDATE events
SET booked_count = changed.booked_count,
    version = changed.version
FROM unnest($1::uuid[], $2::integer[], $3::bigint[]) AS changed (id, booked_count, version)
WHERE events.id = changed.id
