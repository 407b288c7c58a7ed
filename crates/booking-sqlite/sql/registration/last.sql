-- registration/last: where its history ends: at its last change, and at that which called its event off; and what made it
SELECT
    event_id, coalesce(changed_version, event_version), registrations.status, cancelled_version, event_version,
    registrations.created_at
FROM registrations
JOIN events ON events.id = event_id
WHERE registrations.id = ?1
