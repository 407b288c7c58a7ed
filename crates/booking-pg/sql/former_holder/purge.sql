-- former_holder/purge: deletes those that were kept for long enough, and waits for nobody
DELETE FROM former_holders AS unwanted
WHERE unwanted.ctid = ANY (
    ARRAY(
        SELECT former.ctid
        FROM former_holders AS former
        WHERE former.made_at <= coalesce($1::timestamptz, statement_timestamp())
            - make_interval(secs => $2::double precision)
        ORDER BY former.made_at
        LIMIT $3::bigint
        FOR UPDATE SKIP LOCKED
    )
)
