-- event/find_due: events on which holds or offers have run out, as they are now: those are not counted,
-- though nobody has tidied them yet
-- With ORDER BY only the primary key will do, whatever the table held when this was planned.
SELECT
    events.id, events.created_at, events.name, events.description, events.starts_at, events.ends_at,
    events.timezone, events.venue, events.retention_days, events.language::text, events.remind_hours,
    events.organizer_name, events.contact, events.unlisted,
    events.capacity, events.version,
    events.status::text, events.opens_at, events.closes_at, events.waitlist_enabled, events.offer_ttl_seconds,
    events.conceal_registered, events.confirm_address, events.waitlist_count,
    events.due_at <= store.now IS NOT TRUE AS is_settled,
    CASE
        WHEN events.due_at <= store.now THEN events.booked_count - (
            SELECT count(*)::integer
            FROM (
                SELECT
                FROM registrations AS r
                WHERE r.event_id = events.id AND r.expires_at <= store.now
                -- So that only the index of what runs out will do.
                ORDER BY r.expires_at
            ) AS overdue
        )
        ELSE events.booked_count
    END AS booked_count,
    events.organizer_id, coalesce(events.changed_at, events.created_at),
    coalesce(events.details_changed_at, events.created_at), events.sequence, events.asks
FROM events
CROSS JOIN (SELECT coalesce($2::timestamptz, statement_timestamp()) AS now) AS store
WHERE events.id = ANY ($1::uuid[])
ORDER BY events.id
