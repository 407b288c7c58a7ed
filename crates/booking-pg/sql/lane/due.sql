-- lane/due: those of sinks that are due, of each up to so many, longest due first
SELECT due.event_id, due.sink_id, due.due_at
FROM generate_subscripts($1::uuid[], 1) AS at
CROSS JOIN LATERAL (
    SELECT l.event_id, l.sink_id, l.due_at
    FROM delivery_lanes AS l
    WHERE l.sink_id = ($1::uuid[])[at]
        AND l.due_at <= coalesce($3::timestamptz, statement_timestamp())
    ORDER BY l.due_at
    LIMIT ($2::bigint[])[at]
) AS due
