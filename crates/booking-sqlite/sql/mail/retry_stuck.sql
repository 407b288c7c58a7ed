-- mail/retry_stuck: lets some that are stuck begin anew
UPDATE mails
SET state = 'due', attempts = 0, due_at = ?1, done_at = NULL
WHERE (event_id, id) IN (
    SELECT event_id, id
    FROM mails
    WHERE state = 'stuck'
    LIMIT ?2
)
