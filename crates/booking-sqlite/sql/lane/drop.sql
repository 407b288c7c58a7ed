-- lane/drop: gives up what some lanes of a sink have to do, whoever's turn it is
UPDATE delivery_lanes
SET version = target, position = NULL, attempts = 0, lease = NULL, due_at = NULL
WHERE (event_id, sink_id) IN (
    SELECT event_id, sink_id
    FROM delivery_lanes
    WHERE sink_id = ?1 AND due_at <= 9223372036854775807
    LIMIT ?2
)
