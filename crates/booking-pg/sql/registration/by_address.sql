-- registration/by_address: the live registrations that have the e-mail address of one of the commands
-- One index probe for each, whatever the tables held when this was planned: LIMIT keeps it a look-up.
SELECT {registration of found}
FROM unnest($2::text[]) WITH ORDINALITY AS wanted (user_email, at)
CROSS JOIN LATERAL (
    SELECT {registration of r}
    FROM registrations AS r
    WHERE r.event_id = ($1::uuid[])[wanted.at]
        AND r.user_email = wanted.user_email COLLATE "C"
        AND r.status IN ('confirmed', 'held', 'waitlisted', 'offered')
    LIMIT 1
) AS found
