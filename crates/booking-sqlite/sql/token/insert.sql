-- token/insert
INSERT INTO organizer_tokens (id, organizer_id, token_hash, created_at)
VALUES (?1, ?2, ?3, ?4)
