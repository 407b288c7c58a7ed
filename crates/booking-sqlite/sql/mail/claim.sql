-- mail/claim: gives somebody a turn
UPDATE mails
SET lease = ?3, due_at = ?4
WHERE event_id = ?1 AND id = ?2
