-- question/find: what an event asks and has asked; NULL if it never did
SELECT event_questions.body
FROM events
LEFT JOIN event_questions ON event_questions.event_id = events.id
WHERE events.id = ?1
