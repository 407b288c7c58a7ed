-- registration/overdue: the holds and offers of some events that have run out, in the order of their end
SELECT {registration of found}
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (event_id, at_most)
CROSS JOIN LATERAL (
    SELECT {registration of r}
    FROM registrations AS r
    WHERE r.event_id = wanted.event_id AND r.expires_at <= $3::timestamptz
    ORDER BY r.expires_at, r.event_version
    LIMIT wanted.at_most
) AS found
