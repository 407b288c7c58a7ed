-- event/load: what a decision needs of an event
SELECT
    capacity, booked_count, held_count, waitlist_count, version, due_at, status, opens_at,
    closes_at, waitlist_enabled, offer_ttl_seconds, conceal_registered, confirm_address, organizer_id,
    starts_at, ends_at, asks, frozen_until
FROM events
WHERE id = ?1
