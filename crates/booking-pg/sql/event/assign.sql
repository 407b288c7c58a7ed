-- event/assign: gives events whose rows are locked to an organizer
UPDATE events
SET organizer_id = $2::uuid
FROM unnest($1::uuid[]) AS assigned (id)
WHERE events.id = assigned.id
