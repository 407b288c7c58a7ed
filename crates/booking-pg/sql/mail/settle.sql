-- mail/settle: writes what became of a mail, if it is one's turn, and forgets whoever it was to if that was all
WITH settled AS (
    UPDATE mails AS mail
    SET state = $4::text::mail_state,
        attempts = mail.attempts + CASE WHEN $6::text IS NULL THEN 0 ELSE 1 END,
        lease = NULL,
        due_at = store.due_at,
        failure = $6::text,
        done_at = CASE WHEN $5::double precision IS NULL THEN store.now END
    FROM (
        SELECT
            coalesce($7::timestamptz, statement_timestamp()) AS now,
            coalesce($7::timestamptz, statement_timestamp())
                + make_interval(secs => $5::double precision) AS due_at
    ) AS store
    WHERE mail.event_id = $1::uuid AND mail.id = $2::uuid AND mail.lease = $3::uuid
    RETURNING mail.event_id, mail.registration_id, mail.version, mail.kind, mail.state
),
-- One that is stuck may be tried again.
parted AS (
    DELETE FROM former_holders AS unwanted
    WHERE unwanted.ctid = ANY (
        ARRAY(
            SELECT kept.place
            FROM settled
            CROSS JOIN LATERAL (
                SELECT former.ctid AS place
                FROM former_holders AS former
                WHERE former.event_id = settled.event_id
                    AND former.registration_id = settled.registration_id
                    AND former.version = settled.version
                -- It keeps this a look-up.
                LIMIT 1
                FOR UPDATE
            ) AS kept
            WHERE settled.kind = 'handed_over' AND settled.state IN ('sent', 'dropped')
        )
    )
)
SELECT event_id
FROM settled
