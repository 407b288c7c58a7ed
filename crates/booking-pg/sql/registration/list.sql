-- registration/list: all registrations of an event after a version, oldest first
SELECT {registration}
FROM registrations
WHERE event_id = $1::uuid AND event_version > $2::bigint
ORDER BY event_version
LIMIT $3::bigint
