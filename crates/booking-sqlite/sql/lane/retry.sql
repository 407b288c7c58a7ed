-- lane/retry: lets some lanes of a sink that wait for another try have it at once
UPDATE delivery_lanes
SET due_at = ?2
WHERE (event_id, sink_id) IN (
    SELECT event_id, sink_id
    FROM delivery_lanes
    WHERE sink_id = ?1 AND due_at > ?2 AND lease IS NULL
    LIMIT ?3
)
