-- registration/live_of_address: the live registrations of an address, of each event that people may still go to
SELECT {registration of r}, e.status::text, coalesce($3::timestamptz, statement_timestamp())
FROM events AS e
CROSS JOIN LATERAL (
    SELECT *
    FROM registrations AS x
    WHERE x.event_id = e.id
        AND x.user_email = $1::text
        AND x.status IN ('confirmed', 'held', 'waitlisted', 'offered')
    -- So that only the index of live addresses will do, whatever the tables held when this was planned.
    ORDER BY x.event_id, x.user_email
    LIMIT 1
) AS r
WHERE e.status <> 'cancelled'
    AND coalesce(e.ends_at, e.starts_at + interval '24 hours')
        <= coalesce($3::timestamptz, statement_timestamp()) IS NOT TRUE
ORDER BY e.created_at DESC, e.id DESC
LIMIT $2::bigint
