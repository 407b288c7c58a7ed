-- registration/waiting: the heads of the queues of some events, in their order
SELECT {registration of found}
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (event_id, at_most)
CROSS JOIN LATERAL (
    SELECT {registration of r}
    FROM registrations AS r
    WHERE r.event_id = wanted.event_id AND r.status = 'waitlisted'
    ORDER BY r.event_version
    LIMIT wanted.at_most
) AS found
