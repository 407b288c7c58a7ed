-- registration/live_of_address: the live registrations of an address, of each event that people may still go to,
-- newest event first; ?3 is the time
SELECT {registration of r}
FROM events AS e INDEXED BY events_newest_first
CROSS JOIN registrations AS r
WHERE r.event_id = e.id
    AND r.user_email = ?1
    AND r.status <> 'cancelled'
    AND r.status <> 'expired'
    AND e.status <> 'cancelled'
    AND coalesce(e.ends_at, e.starts_at + 86400000000, ?3 + 1) > ?3
ORDER BY e.created_at DESC, e.id DESC
LIMIT ?2
