-- audit/count: what every event states, and what its rows give
WITH counted AS (
    SELECT
        event_id,
        count(*) AS registrations,
        count(DISTINCT user_email) AS addresses
    FROM registrations
    GROUP BY event_id
),
-- Facts count for the versions that they made if they follow the facts before them.
chained AS (
    SELECT
        event_id,
        version_last,
        CASE
            WHEN version_first = 1 + lag(version_last, 1, 0::bigint) OVER (
                PARTITION BY event_id ORDER BY version_first
            ) AND jsonb_array_length(body::jsonb) = version_last - version_first + 1
                THEN version_last - version_first + 1
            ELSE 0
        END AS versions
    FROM facts
),
recorded AS (
    SELECT event_id, sum(versions)::bigint AS versions, max(version_last) AS version_last
    FROM chained
    GROUP BY event_id
)
SELECT
    coalesce(events.id, counted.event_id, recorded.event_id) AS event_id,
    events.capacity::bigint AS capacity,
    events.booked_count::bigint AS booked_count,
    events.version AS version,
    coalesce(counted.registrations, 0) AS registrations,
    coalesce(counted.addresses, 0) AS addresses,
    coalesce(recorded.versions, 0) AS fact_versions,
    coalesce(recorded.version_last, 0) AS fact_version_last
FROM events
FULL JOIN counted ON counted.event_id = events.id
FULL JOIN recorded ON recorded.event_id = coalesce(events.id, counted.event_id)
ORDER BY 1
