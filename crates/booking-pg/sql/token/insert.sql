-- token/insert: keeps a token, and the organizer if nobody has that name, unless the token is there already
-- or too many are
-- Under the table's lock, so that no other transaction creates an organizer meanwhile.
WITH wanted AS (
    SELECT coalesce($6::timestamptz, clock_timestamp()) AS now
    WHERE NOT EXISTS (SELECT FROM organizer_tokens WHERE id = $1::uuid)
        AND (SELECT count(*) FROM organizer_tokens) < $5::bigint
),
made AS (
    INSERT INTO organizers (id, name, created_at)
    SELECT $2::uuid, $3::text, now
    FROM wanted
    WHERE NOT EXISTS (SELECT FROM organizers WHERE name = $3::text)
    RETURNING id
)
INSERT INTO organizer_tokens (id, organizer_id, token_hash, created_at, role, event_ids)
SELECT
    $1::uuid, coalesce((SELECT id FROM organizers WHERE name = $3::text), (SELECT id FROM made)),
    $4::bytea, now, $7::text, $8::uuid[]
FROM wanted
