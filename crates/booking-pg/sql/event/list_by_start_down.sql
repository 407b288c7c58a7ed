-- event/list_by_start_down: latest first, the events after a beginning and id, as event/find reads them: of all, or of the
-- organizer $7, those that begin from $8 on and before $9, and that are over or not as $10 says
SELECT {event}, booked_count, due_at <= coalesce($4::timestamptz, statement_timestamp()) IS NOT TRUE AS is_settled
FROM events
WHERE (coalesce(starts_at, '10000-01-01 00:00:00+00'::timestamptz), id) < ($1::timestamptz, $2::uuid)
    AND ((status <> 'draft' AND NOT unlisted) OR $5::boolean OR ($6::boolean AND organizer_id IS NULL))
    AND ($7::uuid IS NULL OR organizer_id = $7::uuid)
    AND ($8::timestamptz IS NULL OR starts_at >= $8::timestamptz)
    AND ($9::timestamptz IS NULL OR starts_at < $9::timestamptz)
    AND (
        $10::boolean IS NULL
        OR ((
            coalesce(ends_at, starts_at + interval '24 hours')
            <= coalesce($4::timestamptz, statement_timestamp())
        ) IS TRUE) = $10::boolean
    )
ORDER BY coalesce(starts_at, '10000-01-01 00:00:00+00'::timestamptz) DESC, id DESC
LIMIT $3::bigint
