-- registration/counts: how many registrations of an event are in which state by their rows at an instant, and how many
-- were let in
-- Seats taken and people waiting are counted in the event's own row, so that a million seats are not read. For a
-- cancelled event both are zero there: any row that is still live is counted in their place.
SELECT
    status,
    CASE WHEN status = 'cancelled' THEN (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_live_email
        WHERE r.event_id = events.id AND r.status <> 'cancelled' AND r.status <> 'expired'
    ) - (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_running_out
        WHERE r.event_id = events.id AND r.expires_at IS NOT NULL
    ) ELSE booked_count - held_count END,
    CASE WHEN status = 'cancelled' THEN 0 ELSE waitlist_count END,
    (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_running_out
        WHERE r.event_id = events.id AND r.expires_at > ?1 AND r.status = 'held'
    ),
    (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_running_out
        WHERE r.event_id = events.id AND r.expires_at > ?1 AND r.status = 'offered'
    ),
    (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_running_out
        WHERE r.event_id = events.id AND r.expires_at <= ?1
    ),
    (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_ended
        WHERE r.event_id = events.id AND r.status = 'cancelled'
    ),
    (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_ended
        WHERE r.event_id = events.id AND r.status = 'expired'
    ),
    (
        SELECT count(*)
        FROM registrations AS r INDEXED BY registrations_checked_in
        WHERE r.event_id = events.id AND r.checked_in_at IS NOT NULL
    )
FROM events
WHERE id = ?2
