-- event/reminded: no index but the key can find such a row
UPDATE events
SET remind_at = NULL
WHERE id = ?1 AND remind_at IS ?2
