-- key/insert
INSERT INTO signing_keys (seed, created_at)
VALUES (?1, ?2)
