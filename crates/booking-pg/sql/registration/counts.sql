-- registration/counts: how many registrations of an event are in which state by their rows, and how many were let in
-- What has a seat and who waits is in the event's own row, so that a million seats are not looked at.
SELECT
    events.status::text,
    (events.booked_count - events.held_count)::bigint,
    events.waitlist_count::bigint,
    running.held,
    running.offered,
    running.run_out,
    ended.cancelled,
    ended.expired,
    inside.checked_in
FROM events
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (
            WHERE r.status = 'held' AND r.expires_at > coalesce($2::timestamptz, statement_timestamp())
        ) AS held,
        count(*) FILTER (
            WHERE r.status = 'offered' AND r.expires_at > coalesce($2::timestamptz, statement_timestamp())
        ) AS offered,
        count(*) FILTER (
            WHERE r.expires_at <= coalesce($2::timestamptz, statement_timestamp())
        ) AS run_out
    FROM registrations AS r
    WHERE r.event_id = events.id AND r.expires_at IS NOT NULL
) AS running
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE r.status = 'cancelled') AS cancelled,
        count(*) FILTER (WHERE r.status = 'expired') AS expired
    FROM registrations AS r
    WHERE r.event_id = events.id AND r.status IN ('cancelled', 'expired')
) AS ended
CROSS JOIN LATERAL (
    SELECT count(*) AS checked_in
    FROM registrations AS r
    WHERE r.event_id = events.id AND r.checked_in_at IS NOT NULL
) AS inside
WHERE events.id = $1::uuid
