-- registration/insert
INSERT INTO registrations (event_id, event_version, id, user_email, created_at)
VALUES (?1, ?2, ?3, ?4, ?5)
