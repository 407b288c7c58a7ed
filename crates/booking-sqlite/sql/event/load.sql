-- event/load: what a decision needs of an event
SELECT
    capacity, booked_count, held_count, waitlist_count, version, due_at, status, opens_at,
    closes_at, waitlist_enabled, offer_ttl_seconds, organizer_id
FROM events
WHERE id = ?1
