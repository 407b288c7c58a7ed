-- registration/by_id: the registrations that have the id of one of the commands
SELECT
    found.event_id, found.id, found.user_email, found.name, found.status::text, found.expires_at,
    found.checked_in_at, found.scan_id, found.generation, found.token_hash, found.event_version,
    found.changed_version, found.created_at
FROM generate_subscripts($1::uuid[], 1) AS at
CROSS JOIN LATERAL (
    SELECT
        r.event_id, r.id, r.user_email, r.name, r.status, r.expires_at, r.checked_in_at, r.scan_id,
        r.generation, r.token_hash, r.event_version, r.changed_version, r.created_at
    FROM registrations AS r
    WHERE r.id = ($2::uuid[])[at] AND r.event_id = ($1::uuid[])[at]
    LIMIT 1
) AS found
