-- fact/insert
INSERT INTO facts (event_id, version_first, version_last, recorded_at, body)
VALUES (?1, ?2, ?3, ?4, ?5)
