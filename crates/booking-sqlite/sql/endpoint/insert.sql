-- endpoint/insert
INSERT INTO webhook_endpoints (
    id, organizer_id, event_id, url, types, includes_person, secret, created_at
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
