-- mail/settle: what became of it, if it is one's turn; ?5 is when it is due again, if it is
UPDATE mails
SET state = ?4,
    attempts = attempts + (?6 IS NOT NULL),
    lease = NULL,
    due_at = ?5,
    failure = ?6,
    done_at = CASE WHEN ?5 IS NULL THEN ?7 END
WHERE event_id = ?1 AND id = ?2 AND lease = ?3
