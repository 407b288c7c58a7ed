-- ticket_key/show: says that a server signs tickets with keys that it was given
INSERT INTO ticket_keys AS shown (public_key, seen_at)
SELECT public_key, coalesce($2::timestamptz, clock_timestamp())
FROM unnest($1::bytea[]) AS made (public_key)
ON CONFLICT (public_key) DO UPDATE
SET seen_at = greatest(shown.seen_at, excluded.seen_at)
