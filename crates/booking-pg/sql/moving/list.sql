-- moving/list: events that are here, or have left and are not known to have arrived
SELECT id
FROM (
    (
        SELECT id
        FROM events
        WHERE id > $1::uuid
        ORDER BY id
        LIMIT $2::bigint
    )
    UNION
    (
        SELECT event_id
        FROM moving_events
        WHERE event_id > $1::uuid AND direction = 'left' AND state IS NOT NULL
        ORDER BY event_id
        LIMIT $2::bigint
    )
) AS found
ORDER BY id
LIMIT $2::bigint
