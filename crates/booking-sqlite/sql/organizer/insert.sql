-- organizer/insert
INSERT INTO organizers (id, name, created_at)
VALUES (?1, ?2, ?3)
