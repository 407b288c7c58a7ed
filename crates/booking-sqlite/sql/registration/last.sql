-- registration/last: where its history ends: at its last change, and at that which called its event off
SELECT event_id, coalesce(changed_version, event_version), registrations.status, cancelled_version
FROM registrations
JOIN events ON events.id = event_id
WHERE registrations.id = ?1
