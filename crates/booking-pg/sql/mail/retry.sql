-- mail/retry: lets mails that wait for another try have it at once, and those that are stuck begin anew
UPDATE mails AS mail
SET state = 'due',
    attempts = CASE WHEN mail.state = 'stuck' THEN 0 ELSE mail.attempts END,
    due_at = store.now,
    done_at = NULL
FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now) AS store
WHERE mail.ctid = ANY (
    ARRAY(
        SELECT m.ctid
        FROM mails AS m
        WHERE m.due_at > coalesce($1::timestamptz, statement_timestamp()) AND m.lease IS NULL
        ORDER BY m.due_at
        LIMIT $2::bigint
        FOR UPDATE
    ) || ARRAY(
        SELECT m.ctid
        FROM mails AS m
        WHERE m.state = 'stuck'
        ORDER BY m.event_id, m.id
        LIMIT $2::bigint
        FOR UPDATE
    )
)
