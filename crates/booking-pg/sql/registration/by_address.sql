-- registration/by_address: the live registrations that have the e-mail address of one of the commands
-- One index probe for each, whatever the tables held when this was planned: LIMIT keeps it a look-up.
SELECT
    found.event_id, found.id, found.user_email, found.name, found.status::text, found.expires_at,
    found.checked_in_at, found.scan_id, found.generation, found.token_hash, found.event_version,
    found.changed_version, found.created_at
FROM unnest($2::text[]) WITH ORDINALITY AS wanted (user_email, at)
CROSS JOIN LATERAL (
    SELECT
        r.event_id, r.id, r.user_email, r.name, r.status, r.expires_at, r.checked_in_at, r.scan_id,
        r.generation, r.token_hash, r.event_version, r.changed_version, r.created_at
    FROM registrations AS r
    WHERE r.event_id = ($1::uuid[])[wanted.at]
        AND r.user_email = wanted.user_email COLLATE "C"
        AND r.status IN ('confirmed', 'held', 'waitlisted', 'offered')
    LIMIT 1
) AS found
