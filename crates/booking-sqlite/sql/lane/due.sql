-- lane/due: those of a sink, longest due first
SELECT event_id, sink_id, version, position, target, attempts, due_at
FROM delivery_lanes
WHERE sink_id = ?1 AND due_at <= ?2
ORDER BY due_at
LIMIT ?3
