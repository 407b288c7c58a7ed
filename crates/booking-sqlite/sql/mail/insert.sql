-- mail/insert: unless it is there
INSERT INTO mails (event_id, id, registration_id, kind, version, made_at, due_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT (event_id, id) DO NOTHING
