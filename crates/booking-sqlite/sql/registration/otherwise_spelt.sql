-- registration/otherwise_spelt: some after one of them whose address may not be in its canonical spelling: it
-- may be quoted without need, or not ASCII
SELECT event_id, event_version, id, user_email
FROM registrations
WHERE (event_id, event_version) > (?1, ?2)
    AND (user_email GLOB '"*' OR length(CAST(user_email AS BLOB)) <> length(user_email))
ORDER BY event_id, event_version
LIMIT ?3
