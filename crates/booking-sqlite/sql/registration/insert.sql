-- registration/insert
INSERT INTO registrations (
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at,
    answers
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
