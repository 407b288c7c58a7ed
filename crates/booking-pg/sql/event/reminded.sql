-- event/reminded: its people have been reminded, unless it was moved meanwhile
UPDATE events
SET remind_at = NULL
WHERE events.ctid = ANY (
        ARRAY(
            SELECT e.ctid
            FROM events AS e
            WHERE e.id = ANY (ARRAY[$1::uuid])
            -- So that only the primary key will do, whatever the table held when this was planned.
            ORDER BY e.id
            FOR UPDATE
        )
    )
    AND events.remind_at IS NOT DISTINCT FROM $2::timestamptz
