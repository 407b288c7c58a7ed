-- mail/purge: some that were done at or before an instant
DELETE FROM mails
WHERE (event_id, id) IN (
    SELECT event_id, id
    FROM mails
    WHERE done_at <= ?1
    ORDER BY done_at
    LIMIT ?2
)
