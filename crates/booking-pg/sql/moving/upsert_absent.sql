-- moving/upsert_absent: the same of an event that is not here, unless the store is a cell that is not to have it; one
-- that was on its way here before that may still arrive, by whoever takes its move over
INSERT INTO moving_events (event_id, direction, move_id, place, since, until)
SELECT $1::uuid, $2::text, $3::uuid, $4::text, $5::timestamptz, $6::timestamptz
WHERE (
        SELECT count(*)
        FROM (
            SELECT e.id
            FROM events AS e
            WHERE e.id = ANY (ARRAY[$1::uuid])
            -- So that only the primary key will do, whatever the table held when this was planned.
            ORDER BY e.id
        ) AS here
    ) = 0
    AND (
        NOT EXISTS (
            SELECT
            FROM cell_bytes AS kept
            WHERE kept.only_row
                -- The last byte of the id.
                AND coalesce(get_byte(uuid_send($1::uuid), 15) NOT BETWEEN kept.first_byte AND kept.last_byte, true)
            FOR SHARE
        )
        OR (
            SELECT count(*)
            FROM (
                SELECT way.event_id
                FROM moving_events AS way
                WHERE way.event_id = ANY (ARRAY[$1::uuid])
                    AND way.direction = 'arriving'
                -- As above.
                ORDER BY way.event_id
            ) AS on_its_way
        ) > 0
    )
ON CONFLICT (event_id) DO UPDATE
SET direction = excluded.direction,
    move_id = excluded.move_id,
    place = excluded.place,
    since = excluded.since,
    until = excluded.until,
    state = NULL
