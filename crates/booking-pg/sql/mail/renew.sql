-- mail/renew: lets a worker go on with a mail, if it is its turn
UPDATE mails AS mail
SET due_at = store.due_at
FROM (
    SELECT coalesce($4::timestamptz, statement_timestamp())
        + make_interval(secs => $5::double precision) AS due_at
) AS store
WHERE mail.event_id = $1::uuid AND mail.id = $2::uuid AND mail.lease = $3::uuid
