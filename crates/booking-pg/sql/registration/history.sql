-- registration/history: what happened to a registration, oldest first
-- Each fact names the version of the one before it, so this walks backwards from the last. A fact is
-- an element of the row that its version lies in. If none has the version that made the registration, that was given its
-- seat at once: NULL. What is missing otherwise is 'null', which is no fact.
WITH RECURSIVE asked AS (
    SELECT
        r.event_id,
        r.event_version AS created_version,
        r.created_at,
        coalesce(r.changed_version, r.event_version) AS version,
        -- Live registrations of a cancelled event have ended with it.
        CASE
            WHEN r.status IN ('confirmed', 'held', 'waitlisted', 'offered')
                THEN events.cancelled_version
        END AS ended_version
    FROM registrations AS r
    JOIN events ON events.id = r.event_id
    WHERE r.id = $1::uuid
    ORDER BY r.event_id
    LIMIT 1
),
walked AS (
    SELECT 1 AS step, asked.event_id, asked.version, recorded.recorded_at, recorded.fact
    FROM asked
    CROSS JOIN LATERAL (
        SELECT
            facts.version_last,
            facts.recorded_at,
            facts.body::json -> (asked.version - facts.version_first)::integer AS fact
        FROM facts
        WHERE facts.event_id = asked.event_id AND facts.version_first <= asked.version
        ORDER BY facts.version_first DESC
        LIMIT 1
    ) AS recorded
    WHERE recorded.version_last >= asked.version
    UNION ALL
    SELECT
        walked.step + 1, walked.event_id, (walked.fact ->> 'previous')::bigint, recorded.recorded_at,
        recorded.fact
    FROM walked
    CROSS JOIN LATERAL (
        SELECT
            facts.version_last,
            facts.recorded_at,
            facts.body::json
                -> ((walked.fact ->> 'previous')::bigint - facts.version_first)::integer AS fact
        FROM facts
        WHERE facts.event_id = walked.event_id
            AND facts.version_first <= (walked.fact ->> 'previous')::bigint
        ORDER BY facts.version_first DESC
        LIMIT 1
    ) AS recorded
    WHERE walked.step < $2::bigint AND recorded.version_last >= (walked.fact ->> 'previous')::bigint
),
-- Where the walk ended before its last step: at a version that no stored fact made.
made AS (
    SELECT
        sought.version,
        asked.created_at AS recorded_at,
        -- Of another version the fact is missing.
        CASE WHEN sought.version <> asked.created_version THEN 'null' END AS fact
    FROM asked
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN NOT EXISTS (SELECT FROM walked) THEN asked.version
            ELSE (
                SELECT (walked.fact ->> 'previous')::bigint
                FROM walked
                ORDER BY walked.step DESC
                LIMIT 1
            )
        END AS version
    ) AS sought
    WHERE sought.version IS NOT NULL AND (SELECT count(*) FROM walked) < $2::bigint
),
ended AS (
    SELECT
        asked.ended_version AS version,
        recorded.recorded_at,
        recorded.body::json -> (asked.ended_version - recorded.version_first)::integer AS fact
    FROM asked
    CROSS JOIN LATERAL (
        SELECT facts.recorded_at, facts.version_first, facts.body
        FROM facts
        WHERE facts.event_id = asked.event_id AND facts.version_first <= asked.ended_version
        ORDER BY facts.version_first DESC
        LIMIT 1
    ) AS recorded
)
SELECT version, recorded_at, coalesce(fact::text, 'null')
FROM walked
UNION ALL
SELECT version, recorded_at, fact
FROM made
UNION ALL
SELECT version, recorded_at, coalesce(fact::text, 'null')
FROM ended
ORDER BY version
