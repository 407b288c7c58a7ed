-- mail/drop_stuck: gives up some for good that are stuck
UPDATE mails
SET state = 'dropped', done_at = ?1
WHERE (event_id, id) IN (
    SELECT event_id, id
    FROM mails
    WHERE state = 'stuck'
    LIMIT ?2
)
