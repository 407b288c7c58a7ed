-- mail/settle: writes what became of mails, of those whose turn it is, and forgets whoever they were to if that was all
-- OFFSET keeps the times in a query of their own: Citus refuses them in SET.
WITH settled AS (
    UPDATE mails AS mail
    SET state = step.state,
        attempts = mail.attempts + CASE WHEN step.failure IS NULL THEN 0 ELSE 1 END,
        lease = CASE WHEN step.goes_on THEN mail.lease END,
        due_at = step.due_at,
        -- A mail that was not tried keeps why it failed before.
        failure = coalesce(step.failure, CASE WHEN step.due_at IS NOT NULL THEN mail.failure END),
        done_at = CASE WHEN step.due_at IS NULL THEN step.now END
    FROM (
        SELECT
            at,
            ($1::uuid[])[at] AS event_id,
            ($2::uuid[])[at] AS id,
            ($3::uuid[])[at] AS lease,
            ($4::boolean[])[at] AS goes_on,
            ($5::text[])[at]::mail_state AS state,
            ($7::text[])[at] AS failure,
            coalesce($8::timestamptz, statement_timestamp()) AS now,
            coalesce($8::timestamptz, statement_timestamp())
                + make_interval(secs => ($6::double precision[])[at]) AS due_at
        FROM generate_subscripts($1::uuid[], 1) AS at
        OFFSET 0
    ) AS step
    WHERE mail.event_id = step.event_id AND mail.id = step.id AND mail.lease = step.lease
    RETURNING
        step.at, mail.event_id, mail.registration_id, mail.version, mail.kind, mail.state
),
-- A stuck mail may be tried again.
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
SELECT at
FROM settled
