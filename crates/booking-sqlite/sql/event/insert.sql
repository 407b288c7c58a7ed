-- event/insert
INSERT INTO events (id, capacity, booked_count, version, created_at, name, description)
VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO NOTHING
