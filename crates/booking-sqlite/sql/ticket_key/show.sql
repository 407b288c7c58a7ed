-- ticket_key/show: says that a server signs tickets with a key that it was given
INSERT INTO ticket_keys (public_key, seen_at)
VALUES (?1, ?2)
ON CONFLICT (public_key) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)
