-- registration/list_live: those after a version whose rows say that they are live, oldest first
-- Phrased by what is not live, so that PostgreSQL does not use the index of live addresses for
-- this.
SELECT {registration}
FROM registrations
WHERE event_id = $1::uuid
    AND event_version > $2::bigint
    AND status NOT IN ('cancelled', 'expired')
ORDER BY event_version
LIMIT $3::bigint
