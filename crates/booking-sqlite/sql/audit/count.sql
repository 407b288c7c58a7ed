-- audit/count: what every event states, and what its rows give
WITH counted AS (
    SELECT
        registrations.event_id AS event_id,
        -- No index has this column, so that rows of the table itself are counted.
        sum(registrations.status IN ('confirmed', 'held', 'offered')) AS seated,
        sum(registrations.status IN ('held', 'offered')) AS held,
        sum(registrations.status = 'waitlisted') AS waiting,
        count(DISTINCT CASE
            WHEN registrations.status NOT IN ('cancelled', 'expired') THEN user_email
        END) AS addresses,
        sum(
            registrations.status IN ('held', 'offered')
            AND coalesce(expires_at < due_at, 1)
        ) AS before_due
    FROM registrations
    LEFT JOIN events ON events.id = registrations.event_id
    GROUP BY registrations.event_id
),
-- What made a version: a fact, or a registration that was given its seat at once, whose fact is not stored.
made AS (
    SELECT event_id, version_first, version_last, 1 AS is_fact, json_array_length(body) AS versions
    FROM facts
    UNION ALL
    SELECT
        event_id, event_version, event_version, 0,
        -- Of another one that is as it was made, the fact is missing. One that changed since does not tell.
        status = 'confirmed' OR changed_version IS NOT NULL
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
    SELECT event_id, sum(versions) AS versions, max(version_last) AS version_last
    FROM chained
    GROUP BY event_id
)
SELECT
    coalesce(events.id, counted.event_id, recorded.event_id) AS event_id,
    events.capacity AS capacity,
    events.status = 'cancelled' AS is_cancelled,
    events.booked_count AS booked_count,
    events.held_count AS held_count,
    events.waitlist_count AS waitlist_count,
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
