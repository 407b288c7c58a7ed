-- endpoint/insert: keeps an endpoint, unless it is there already or its organizer has too many
-- Under the table's lock, so that no other transaction adds one meanwhile.
INSERT INTO webhook_endpoints (
    id, organizer_id, event_id, url, types, includes_person, secret, created_at
)
SELECT
    $1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::boolean, $7::bytea,
    coalesce($9::timestamptz, clock_timestamp())
WHERE (
    SELECT count(*)
    FROM webhook_endpoints
    WHERE organizer_id = $2::uuid
) < $8::bigint
ON CONFLICT (id) DO NOTHING
