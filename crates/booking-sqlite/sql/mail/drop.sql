-- mail/drop: gives up some that are to be sent, whoever's turn it is
UPDATE mails
SET state = 'dropped', lease = NULL, due_at = NULL, done_at = ?1
WHERE (event_id, id) IN (
    SELECT event_id, id
    FROM mails
    WHERE due_at <= 9223372036854775807
    LIMIT ?2
)
