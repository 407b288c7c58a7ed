-- event/lock: locks events, in the order of their ids, waiting for whoever holds one
SELECT
    id, capacity, booked_count, held_count, waitlist_count, version, due_at, status::text, opens_at,
    closes_at, waitlist_enabled, offer_ttl_seconds, conceal_registered, confirm_address, organizer_id,
    starts_at, ends_at, asks, frozen_until
FROM events
WHERE id = ANY ($1::uuid[])
ORDER BY id
FOR UPDATE
