-- lane/advance: writes how far lanes have come, with all that was sent and is to be mailed, of those whose turn it is
-- OFFSET keeps the times in a query of their own: Citus refuses them in SET.
WITH stepped AS (
    UPDATE delivery_lanes AS lane
    SET version = step.version,
        position = step.position,
        attempts = step.attempts,
        lease = CASE WHEN step.goes_on THEN lane.lease END,
        due_at = CASE
            WHEN step.due_at IS NOT NULL THEN step.due_at
            WHEN lane.target > step.version THEN step.now
        END
    FROM (
        SELECT
            at,
            ($1::uuid[])[at] AS event_id,
            ($2::uuid[])[at] AS sink_id,
            ($3::uuid[])[at] AS lease,
            ($4::bigint[])[at] AS version,
            ($5::bigint[])[at] AS position,
            ($6::integer[])[at] AS attempts,
            ($7::boolean[])[at] AS goes_on,
            coalesce($9::timestamptz, statement_timestamp()) AS now,
            coalesce($9::timestamptz, statement_timestamp())
                + make_interval(secs => ($8::double precision[])[at]) AS due_at
        FROM generate_subscripts($1::uuid[], 1) AS at
        OFFSET 0
    ) AS step
    WHERE lane.event_id = step.event_id
        AND lane.sink_id = step.sink_id
        AND lane.lease = step.lease
    RETURNING step.at, step.now, lane.event_id, lane.sink_id
),
logged AS (
    INSERT INTO deliveries (
        event_id, endpoint_id, version, kind, state, attempts, tried_at, status, failure
    )
    SELECT
        stepped.event_id, stepped.sink_id, made.version, made.kind, made.state::delivery_state,
        made.attempts, stepped.now, made.status, made.failure
    FROM unnest(
        $10::integer[], $11::bigint[], $12::text[], $13::text[], $14::integer[], $15::integer[],
        $16::text[]
    ) AS made (at, version, kind, state, attempts, status, failure)
    JOIN stepped ON stepped.at = made.at
    ON CONFLICT (event_id, endpoint_id, version) DO UPDATE
    SET kind = excluded.kind,
        state = excluded.state,
        attempts = excluded.attempts,
        tried_at = excluded.tried_at,
        status = excluded.status,
        failure = excluded.failure
),
posted AS (
    INSERT INTO mails (event_id, id, registration_id, kind, version, made_at, due_at)
    SELECT
        stepped.event_id, made.id, made.registration_id, made.kind, made.version,
        stepped.now, stepped.now
    FROM unnest($17::integer[], $18::uuid[], $19::uuid[], $20::text[], $21::bigint[])
        AS made (at, id, registration_id, kind, version)
    JOIN stepped ON stepped.at = made.at
    ORDER BY stepped.event_id, made.id
    ON CONFLICT (event_id, id) DO NOTHING
)
SELECT at
FROM stepped
