-- registration/unerased: the first registrations of some events that may not be erased yet
SELECT {registration of found}
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (event_id, at_most)
JOIN events ON events.id = wanted.event_id
CROSS JOIN LATERAL (
    SELECT {registration of r}
    FROM registrations AS r
    WHERE r.event_id = wanted.event_id AND r.event_version > events.erased_to
    ORDER BY r.event_version
    LIMIT wanted.at_most
) AS found
ORDER BY found.event_id, found.event_version
