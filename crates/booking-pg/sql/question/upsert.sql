-- question/upsert: keeps what an event asks and has asked, whose row is locked
INSERT INTO event_questions (event_id, body)
VALUES ($1::uuid, $2::text)
ON CONFLICT (event_id) DO UPDATE SET body = excluded.body
