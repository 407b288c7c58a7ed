-- event/find_due: events on which holds or offers have run out, as they are now: those are not counted,
-- though nobody has tidied them yet
-- With ORDER BY only the primary key will do, whatever the table held when this was planned.
SELECT
    {event of events},
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
    events.due_at <= store.now IS NOT TRUE AS is_settled
FROM events
CROSS JOIN (SELECT coalesce($2::timestamptz, statement_timestamp()) AS now) AS store
WHERE events.id = ANY ($1::uuid[])
ORDER BY events.id
