-- question/find: what events ask and have asked; NULL of one that never did
SELECT events.id, event_questions.body
FROM events
LEFT JOIN event_questions ON event_questions.event_id = events.id
WHERE events.id = ANY ($1::uuid[])
ORDER BY events.id
