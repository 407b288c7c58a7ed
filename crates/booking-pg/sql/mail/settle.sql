-- mail/settle: writes what became of a mail, if it is one's turn
UPDATE mails AS mail
SET state = $4::text::mail_state,
    attempts = mail.attempts + CASE WHEN $6::text IS NULL THEN 0 ELSE 1 END,
    lease = NULL,
    due_at = store.due_at,
    failure = $6::text,
    done_at = CASE
        WHEN $5::double precision IS NULL THEN store.now
    END
FROM (
    SELECT
        coalesce($7::timestamptz, statement_timestamp()) AS now,
        coalesce($7::timestamptz, statement_timestamp())
            + make_interval(secs => $5::double precision) AS due_at
) AS store
WHERE mail.event_id = $1::uuid AND mail.id = $2::uuid AND mail.lease = $3::uuid
