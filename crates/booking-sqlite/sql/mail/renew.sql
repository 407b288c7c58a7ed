-- mail/renew: lets a worker go on with a mail, if it is its turn
UPDATE mails
SET due_at = ?4
WHERE event_id = ?1 AND id = ?2 AND lease = ?3
