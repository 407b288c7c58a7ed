-- question/find: what events ask and have asked; NULL of one that never did
-- With ORDER BY, and a column of the row, only the primary key will do, whatever the table held when this was planned.
SELECT events.id, event_questions.body, events.asks
FROM events
LEFT JOIN event_questions ON event_questions.event_id = events.id
WHERE events.id = ANY ($1::uuid[])
ORDER BY events.id
