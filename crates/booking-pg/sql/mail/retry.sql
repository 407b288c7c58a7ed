-- mail/retry: lets mails that wait for another try have it at once, and those that are stuck begin anew
-- A row that another transaction has changed since this began is read as it is now, and left to the
-- next step.
WITH due AS (
    SELECT m.ctid AS place
    FROM mails AS m
    WHERE m.due_at > coalesce($1::timestamptz, statement_timestamp()) AND m.lease IS NULL
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
retried AS (
    UPDATE mails AS mail
    SET state = 'due',
        attempts = CASE WHEN mail.state = 'stuck' THEN 0 ELSE mail.attempts END,
        due_at = store.now,
        done_at = NULL
    FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now) AS store
    WHERE mail.ctid = ANY (ARRAY(SELECT place FROM found))
    RETURNING mail.id
)
SELECT count(*) AS found, (SELECT count(*) FROM retried) AS written
FROM found
HAVING count(*) > 0
