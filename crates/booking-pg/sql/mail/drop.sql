-- mail/drop: gives up mails that are to be sent, whoever's turn it is, and those that are stuck
UPDATE mails AS mail
SET state = 'dropped',
    lease = NULL,
    due_at = NULL,
    done_at = store.now
FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now) AS store
WHERE mail.ctid = ANY (
    ARRAY(
        SELECT m.ctid
        FROM mails AS m
        WHERE m.due_at <= 'infinity'
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
