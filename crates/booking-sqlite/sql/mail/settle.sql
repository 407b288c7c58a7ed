-- mail/settle: what became of it, if it is one's turn; ?5 is when it is due again, if it is, and ?8 whether its worker goes on
UPDATE mails
SET state = ?4,
    attempts = attempts + (?6 IS NOT NULL),
    lease = CASE WHEN ?8 THEN lease END,
    due_at = ?5,
    -- A mail that was not tried keeps why it failed before.
    failure = coalesce(?6, CASE WHEN ?5 IS NOT NULL THEN failure END),
    done_at = CASE WHEN ?5 IS NULL THEN ?7 END
WHERE event_id = ?1 AND id = ?2 AND lease = ?3
