-- mail/drop: gives up mails that are to be sent, whoever's turn it is, and those that are stuck
-- A row that another transaction has changed since this began is read as it is now, and left to the
-- next step.
WITH due AS (
    SELECT m.ctid AS place
    FROM mails AS m
    WHERE m.due_at <= 'infinity'
    ORDER BY m.due_at
    LIMIT $2::bigint
    FOR UPDATE
),
stuck AS (
    SELECT m.ctid AS place
    FROM mails AS m
    WHERE m.state = 'stuck'
    ORDER BY m.event_id, m.id
    LIMIT $2::bigint
    FOR UPDATE
),
found AS (
    SELECT place
    FROM due
    UNION ALL
    SELECT place
    FROM stuck
),
dropped AS (
    UPDATE mails AS mail
    SET state = 'dropped',
        lease = NULL,
        due_at = NULL,
        done_at = store.now
    FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now) AS store
    WHERE mail.ctid = ANY (ARRAY(SELECT place FROM found))
    RETURNING mail.id
)
SELECT count(*) AS found, (SELECT count(*) FROM dropped) AS written
FROM found
HAVING count(*) > 0
