-- event/edit: writes everything that can change of an event whose row is locked
-- In one statement, since its capacity and its counts must agree after each.
UPDATE events
SET booked_count = $2::integer,
    held_count = $3::integer,
    waitlist_count = $4::integer,
    version = $5::bigint,
    due_at = $6::timestamptz,
    name = $7::text,
    description = $8::text,
    starts_at = $9::timestamptz,
    ends_at = $10::timestamptz,
    timezone = $11::text,
    venue = $12::text,
    capacity = $13::integer,
    status = $14::text::event_status,
    opens_at = $15::timestamptz,
    closes_at = $16::timestamptz,
    waitlist_enabled = $17::boolean,
    offer_ttl_seconds = $18::integer,
    cancelled_version = coalesce($19::bigint, events.cancelled_version),
    retention_days = $20::integer,
    erase_at = $21::timestamptz,
    erased_to = coalesce($22::bigint, events.erased_to),
    conceal_registered = $23::boolean,
    changed_at = coalesce($24::timestamptz, events.changed_at),
    details_changed_at = $25::timestamptz,
    sequence = $26::integer,
    language = $27::text::event_language,
    remind_hours = $28::integer,
    remind_at = $29::timestamptz,
    confirm_address = $30::boolean
FROM unnest(ARRAY[$1::uuid]) AS edited (id)
WHERE events.id = edited.id
