-- fact/after: the rows with the facts of an event that follow a version, up to another, and its registrations that these made
-- A registration whose version no fact made is a seat that was given at once. Nothing is read of an event that is not
-- here: of one that is moved some rows may be missing, and who was told the facts behind a hole would never look back.
-- One statement reads it all, so that no version is committed in between.
(
    SELECT version_first, recorded_at, body, NULL::uuid AS registration_id
    FROM facts
    WHERE event_id = $1::uuid
        -- The row that the next version lies in may begin before it.
        AND version_first >= (
            SELECT coalesce(max(holding.version_first), 1)
            FROM (
                SELECT f.version_first
                FROM facts AS f
                WHERE f.event_id = $1::uuid AND f.version_first <= $2::bigint + 1
                ORDER BY f.version_first DESC
                LIMIT 1
            ) AS holding
        )
        AND version_first <= $3::bigint
        -- One of one, in order, so that only the primary key will do.
        AND (SELECT true FROM events WHERE id = ANY (ARRAY[$1::uuid]) ORDER BY id LIMIT 1)
    ORDER BY version_first
)
UNION ALL
(
    SELECT event_version, created_at, NULL, id
    FROM registrations
    WHERE event_id = $1::uuid AND event_version > $2::bigint AND event_version <= $3::bigint
        AND (SELECT true FROM events WHERE id = ANY (ARRAY[$1::uuid]) ORDER BY id LIMIT 1)
    ORDER BY event_version
)
