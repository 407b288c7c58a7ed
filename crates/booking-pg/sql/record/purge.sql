-- record/purge: deletes records that have run out, and waits for nobody
DELETE FROM idempotency_records
WHERE ctid = ANY (
    ARRAY(
        SELECT i.ctid
        FROM idempotency_records AS i
        WHERE i.recorded_at <= coalesce($1::timestamptz, statement_timestamp())
            - make_interval(secs => $2::double precision)
        ORDER BY i.recorded_at
        LIMIT $3::bigint
        FOR UPDATE SKIP LOCKED
    )
)
