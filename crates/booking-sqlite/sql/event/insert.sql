-- event/insert: unless its id is taken, here or where it was moved to
INSERT INTO events (
    id, capacity, booked_count, version, created_at, status, opens_at, closes_at,
    waitlist_enabled, offer_ttl_seconds, starts_at, ends_at, timezone, venue, name, description,
    retention_days, erase_at, organizer_id, conceal_registered, changed_at, details_changed_at,
    language, remind_hours, remind_at, confirm_address, organizer_name, contact, unlisted
)
SELECT ?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?4, ?4,
    ?20, ?21, ?22, ?23, ?24, ?25, ?26
WHERE NOT EXISTS (SELECT * FROM moving_events WHERE event_id = ?1)
ON CONFLICT (id) DO NOTHING
