-- moving/take_room: takes the room for an event that did not come within so many seconds, that which was made first, from
-- the mover that made it: by a move that no mover has, so that this may be repeated until nothing is in there
UPDATE moving_events
SET move_id = '00000000-0000-0000-0000-000000000000'
WHERE ctid = ANY (
    ARRAY(
        SELECT m.ctid
        FROM moving_events AS m
        WHERE m.direction = 'arriving'
            AND m.until IS NULL
            AND m.since <= coalesce($1::timestamptz, statement_timestamp())
                - make_interval(secs => $2::double precision)
        ORDER BY m.since
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
)
RETURNING event_id
