-- lane/backlog: what a sink has to do
SELECT
    count(*),
    count(*) FILTER (WHERE lane.attempts > 0),
    min(coalesce(
        -- What made a registration was recorded when it was made.
        (
            SELECT registrations.created_at
            FROM registrations
            WHERE registrations.event_id = lane.event_id
                AND registrations.event_version = lane.version + 1
        ),
        (
            SELECT facts.recorded_at
            FROM facts
            WHERE facts.event_id = lane.event_id AND facts.version_first <= lane.version + 1
            ORDER BY facts.version_first DESC
            LIMIT 1
        )
    ))
FROM delivery_lanes AS lane
WHERE lane.sink_id = ?1 AND lane.due_at <= 9223372036854775807 AND lane.version < lane.target
