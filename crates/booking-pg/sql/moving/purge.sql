-- moving/purge: deletes what says no more than that somebody was moving an event, or that one came, a while ago; waits for
-- nobody
DELETE FROM moving_events
WHERE ctid = ANY (
    ARRAY(
        SELECT m.ctid
        FROM moving_events AS m
        WHERE m.direction IN ('leaving', 'arriving')
            AND m.until <= coalesce($1::timestamptz, statement_timestamp())
        ORDER BY m.since
        LIMIT $2::bigint
        FOR UPDATE SKIP LOCKED
    )
)
