-- audit/count: what every event states, and what its rows give
-- Rows count by their stored status, whether time has ended them or not: so do the counts of an
-- event.
WITH counted AS (
    SELECT
        r.event_id,
        count(*) FILTER (WHERE r.status IN ('confirmed', 'held', 'offered')) AS seated,
        count(*) FILTER (WHERE r.status IN ('held', 'offered')) AS held,
        count(*) FILTER (WHERE r.status = 'waitlisted') AS waiting,
        count(DISTINCT r.user_email) FILTER (
            WHERE r.status IN ('confirmed', 'held', 'waitlisted', 'offered')
        ) AS addresses,
        count(*) FILTER (
            WHERE r.status IN ('held', 'offered') AND (r.expires_at >= events.due_at) IS NOT TRUE
        ) AS before_due
    FROM registrations AS r
    LEFT JOIN events ON events.id = r.event_id
    GROUP BY r.event_id
),
-- What made a version: a fact, or a registration that was given its seat at once, whose fact is not stored.
made AS (
    SELECT event_id, version_first, version_last, true AS is_fact, jsonb_array_length(body::jsonb) AS versions
    FROM facts
    UNION ALL
    SELECT
        event_id, event_version, event_version, false,
        -- Of another one that is as it was made, the fact is missing. One that changed since does not tell.
        CASE WHEN status = 'confirmed' OR changed_version IS NOT NULL THEN 1 ELSE 0 END
    FROM registrations
),
-- They count for the versions that they made if they follow those before them. A registration whose fact is stored
-- follows none.
chained AS (
    SELECT
        event_id,
        version_last,
        CASE
            WHEN version_first = 1 + coalesce(
                max(version_last) OVER (
                    PARTITION BY event_id
                    ORDER BY version_first, is_fact DESC
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ),
                0
            ) AND versions = version_last - version_first + 1
                THEN versions
            ELSE 0
        END AS versions
    FROM made
),
recorded AS (
    SELECT event_id, sum(versions)::bigint AS versions, max(version_last) AS version_last
    FROM chained
    GROUP BY event_id
)
SELECT
    coalesce(events.id, counted.event_id, recorded.event_id) AS event_id,
    events.capacity::bigint AS capacity,
    events.status = 'cancelled' AS is_cancelled,
    events.booked_count::bigint AS booked_count,
    events.held_count::bigint AS held_count,
    events.waitlist_count::bigint AS waitlist_count,
    events.version AS version,
    coalesce(counted.seated, 0) AS seated,
    coalesce(counted.held, 0) AS held,
    coalesce(counted.waiting, 0) AS waiting,
    coalesce(counted.addresses, 0) AS addresses,
    coalesce(counted.before_due, 0) AS before_due,
    coalesce(recorded.versions, 0) AS fact_versions,
    coalesce(recorded.version_last, 0) AS fact_version_last
FROM events
FULL JOIN counted ON counted.event_id = events.id
FULL JOIN recorded ON recorded.event_id = coalesce(events.id, counted.event_id)
-- Rows of an event that is moving, or that wait to be deleted after a move, belong to no event
-- here.
WHERE events.id IS NOT NULL
    OR coalesce(counted.event_id, recorded.event_id) NOT IN (SELECT event_id FROM moving_events)
ORDER BY 1
