-- registration/otherwise_spelt: some whose address may not be in its canonical spelling, after one of them
-- It may be quoted without need, or in a domain that is not ASCII.
SELECT event_id, event_version, id, user_email
FROM registrations
WHERE (event_id, event_version) > ($1::uuid, $2::bigint)
    AND (
        user_email LIKE '"%'
        OR octet_length(split_part(user_email, '@', -1))
            <> char_length(split_part(user_email, '@', -1))
    )
ORDER BY event_id, event_version
LIMIT $3::bigint
