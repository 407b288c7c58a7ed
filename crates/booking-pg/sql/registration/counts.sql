-- registration/counts: how many registrations of an event are in which state by their rows, and how many were let in
-- Seats taken and people waiting are counted in the event's own row, so that a million seats are not read. For a
-- cancelled event both are zero there: any row that is still live is counted in their place.
SELECT
    events.status::text,
    CASE
        WHEN events.status = 'cancelled'
            THEN called_off.live - running.held - running.offered - running.run_out
        ELSE events.booked_count - events.held_count
    END,
    CASE WHEN events.status = 'cancelled' THEN 0 ELSE events.waitlist_count END::bigint,
    running.held,
    running.offered,
    running.run_out,
    ended.cancelled,
    ended.expired,
    inside.checked_in
FROM (
    SELECT id, status, booked_count, held_count, waitlist_count
    FROM events
    WHERE id = ANY (ARRAY[$1::uuid])
    -- So that only the primary key will do, whatever the table held when this was planned.
    ORDER BY id
) AS events
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
CROSS JOIN LATERAL (
    SELECT count(*) AS live
    FROM registrations AS r
    WHERE events.status = 'cancelled'
        AND r.event_id = events.id
        AND r.status IN ('confirmed', 'held', 'waitlisted', 'offered')
) AS called_off
