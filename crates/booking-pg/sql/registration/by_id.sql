-- registration/by_id: the registrations that have the id of one of the commands
SELECT {registration of found}
FROM generate_subscripts($1::uuid[], 1) AS at
CROSS JOIN LATERAL (
    SELECT {registration of r}
    FROM registrations AS r
    WHERE r.id = ($2::uuid[])[at] AND r.event_id = ($1::uuid[])[at]
    LIMIT 1
) AS found
