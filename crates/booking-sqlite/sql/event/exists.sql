-- event/exists
SELECT EXISTS (SELECT 1 FROM events WHERE id = ?1)
