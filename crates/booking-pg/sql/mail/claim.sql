-- mail/claim: gives somebody a turn at mails that are due
-- OFFSET keeps the time in a query of its own: Citus refuses it in SET.
UPDATE mails AS mail
SET lease = $2::uuid,
    due_at = store.due_at
FROM (
    SELECT coalesce($3::timestamptz, statement_timestamp())
        + make_interval(secs => $4::double precision) AS due_at
    OFFSET 0
) AS store
WHERE mail.ctid = ANY (
    ARRAY(
        SELECT m.ctid
        FROM mails AS m
        WHERE m.due_at <= coalesce($3::timestamptz, statement_timestamp())
        ORDER BY m.due_at
        LIMIT $1::bigint
        FOR UPDATE SKIP LOCKED
    )
)
RETURNING
    mail.event_id, mail.id, mail.registration_id, mail.kind, mail.version, mail.attempts, mail.made_at
