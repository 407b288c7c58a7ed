-- token/insert
INSERT INTO organizer_tokens (id, organizer_id, token_hash, created_at, role, event_ids)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
