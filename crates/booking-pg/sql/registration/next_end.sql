-- registration/next_end: when the next hold or offer of some events runs out
SELECT wanted.event_id, next.expires_at
FROM unnest($1::uuid[]) AS wanted (event_id)
CROSS JOIN LATERAL (
    SELECT r.expires_at
    FROM registrations AS r
    WHERE r.event_id = wanted.event_id AND r.expires_at > $2::timestamptz
    ORDER BY r.expires_at
    LIMIT 1
) AS next
