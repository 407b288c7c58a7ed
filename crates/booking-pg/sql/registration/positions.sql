-- registration/positions: the places in the queue of an event of some who wait
-- One walk along the queue for all of them, no further than the last.
SELECT queue.id, queue.position
FROM (
    SELECT r.id, row_number() OVER (ORDER BY r.event_version) AS position
    FROM registrations AS r
    WHERE r.event_id = $1::uuid AND r.status = 'waitlisted' AND r.event_version <= $2::bigint
) AS queue
WHERE queue.id = ANY ($3::uuid[])
