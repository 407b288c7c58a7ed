-- lane/delete: some of a sink
DELETE FROM delivery_lanes
WHERE (event_id, sink_id) IN (
    SELECT event_id, sink_id
    FROM delivery_lanes
    WHERE sink_id = ?1
    LIMIT ?2
)
