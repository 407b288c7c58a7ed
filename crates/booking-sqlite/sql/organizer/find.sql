-- organizer/find: who has a name
SELECT id
FROM organizers
WHERE name = ?1
