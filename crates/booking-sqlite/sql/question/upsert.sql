-- question/upsert: keeps what an event asks and has asked
INSERT INTO event_questions (event_id, body)
VALUES (?1, ?2)
ON CONFLICT (event_id) DO UPDATE SET body = excluded.body
