-- mail/purge: deletes mails that were done long ago, and waits for nobody
DELETE FROM mails AS mail
WHERE mail.ctid = ANY (
    ARRAY(
        SELECT m.ctid
        FROM mails AS m
        WHERE m.done_at <= coalesce($1::timestamptz, statement_timestamp())
            - make_interval(secs => $2::double precision)
        ORDER BY m.done_at
        LIMIT $3::bigint
        FOR UPDATE SKIP LOCKED
    )
)
