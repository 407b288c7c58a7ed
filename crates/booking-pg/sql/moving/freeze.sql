-- moving/freeze
UPDATE events
SET frozen_until = $2::timestamptz
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
