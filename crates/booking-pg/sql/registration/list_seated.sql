-- registration/list_seated: those of them that have a seat now, if the event was not called off
SELECT {registration}
FROM registrations
WHERE event_id = $1::uuid
    AND event_version > $2::bigint
    -- Only holds and offers have an end.
    AND (
        status = 'confirmed'
        OR expires_at > coalesce($4::timestamptz, statement_timestamp())
    )
ORDER BY event_version
LIMIT $3::bigint
