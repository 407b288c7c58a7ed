-- registration/unerased: the first registrations of some events that may not be erased yet
SELECT
    found.event_id, found.id, found.user_email, found.name, found.status::text, found.expires_at,
    found.checked_in_at, found.scan_id, found.generation, found.token_hash, found.event_version,
    found.changed_version, found.created_at
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (event_id, at_most)
JOIN events ON events.id = wanted.event_id
CROSS JOIN LATERAL (
    SELECT
        r.event_id, r.id, r.user_email, r.name, r.status, r.expires_at, r.checked_in_at, r.scan_id,
        r.generation, r.token_hash, r.event_version, r.changed_version, r.created_at
    FROM registrations AS r
    WHERE r.event_id = wanted.event_id AND r.event_version > events.erased_to
    ORDER BY r.event_version
    LIMIT wanted.at_most
) AS found
ORDER BY found.event_id, found.event_version
