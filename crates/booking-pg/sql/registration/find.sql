-- registration/find: a registration with its place in the queue, the state of its event, and the time
SELECT
    {registration of r},
    CASE
        WHEN r.status = 'waitlisted' THEN (
            SELECT 1 + count(*)
            FROM registrations AS before
            WHERE before.event_id = r.event_id
                AND before.status = 'waitlisted'
                AND before.event_version < r.event_version
        )
    END AS position,
    events.status::text,
    coalesce($2::timestamptz, statement_timestamp())
FROM registrations AS r
JOIN events ON events.id = r.event_id
WHERE r.id = $1::uuid
ORDER BY r.event_id
LIMIT 1
