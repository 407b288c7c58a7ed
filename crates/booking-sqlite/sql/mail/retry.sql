-- mail/retry: lets some that wait for another try have it at once
UPDATE mails
SET due_at = ?1
WHERE (event_id, id) IN (
    SELECT event_id, id
    FROM mails
    WHERE due_at > ?1 AND lease IS NULL
    LIMIT ?2
)
