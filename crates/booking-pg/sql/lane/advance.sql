-- lane/advance: writes how far a lane has come, with all that was sent and is to be mailed, if it is one's turn
WITH stepped AS (
    UPDATE delivery_lanes AS lane
    SET version = $4::bigint,
        position = $5::bigint,
        attempts = $6::integer,
        lease = CASE WHEN $7::boolean THEN lane.lease END,
        due_at = CASE
            WHEN $8::double precision IS NOT NULL THEN store.due_at
            WHEN lane.target > $4::bigint THEN store.now
        END
    FROM (
        SELECT
            coalesce($9::timestamptz, statement_timestamp()) AS now,
            coalesce($9::timestamptz, statement_timestamp())
                + make_interval(secs => $8::double precision) AS due_at
    ) AS store
    WHERE lane.event_id = $1::uuid AND lane.sink_id = $2::uuid AND lane.lease = $3::uuid
    RETURNING lane.event_id, lane.sink_id
),
logged AS (
    INSERT INTO deliveries (
        event_id, endpoint_id, version, kind, state, attempts, tried_at, status, failure
    )
    SELECT
        stepped.event_id, stepped.sink_id, made.version, made.kind, made.state::delivery_state,
        made.attempts, coalesce($9::timestamptz, statement_timestamp()), made.status, made.failure
    FROM stepped
    CROSS JOIN unnest(
        $10::bigint[], $11::text[], $12::text[], $13::integer[], $14::integer[], $15::text[]
    ) AS made (version, kind, state, attempts, status, failure)
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
        coalesce($9::timestamptz, statement_timestamp()),
        coalesce($9::timestamptz, statement_timestamp())
    FROM stepped
    CROSS JOIN unnest($16::uuid[], $17::uuid[], $18::text[], $19::bigint[])
        AS made (id, registration_id, kind, version)
    ORDER BY made.id
    ON CONFLICT (event_id, id) DO NOTHING
)
SELECT sink_id
FROM stepped
