-- registration/read: with the state of its event, and how many wait before it if it waits
SELECT
    {registration of registrations},
    events.status,
    CASE WHEN registrations.status = 'waitlisted' THEN (
        SELECT count(*)
        FROM registrations AS ahead INDEXED BY registrations_waiting
        WHERE ahead.event_id = registrations.event_id
            AND ahead.status = 'waitlisted'
            AND ahead.event_version < registrations.event_version
    ) END
FROM registrations
JOIN events ON events.id = event_id
WHERE registrations.id = ?1
