-- registration/load: the registrations that have the e-mail address or the id of one of the commands
-- Two index probes for each command, or one if only addresses are looked for, whatever the tables held
-- when this was planned.
SELECT found.event_id, found.id, found.user_email, found.event_version, found.created_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS wanted (event_id, id, user_email)
CROSS JOIN LATERAL (
    SELECT r.event_id, r.id, r.user_email, r.event_version, r.created_at
    FROM registrations AS r
    WHERE r.event_id = wanted.event_id AND r.user_email = wanted.user_email COLLATE "C"
    UNION ALL
    SELECT r.event_id, r.id, r.user_email, r.event_version, r.created_at
    FROM registrations AS r
    WHERE $4::boolean
        AND r.event_id = wanted.event_id
        AND r.id = wanted.id
        AND r.user_email <> wanted.user_email COLLATE "C"
) AS found
