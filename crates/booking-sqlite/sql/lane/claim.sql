-- lane/claim: gives somebody a turn
UPDATE delivery_lanes
SET lease = ?3, due_at = ?4
WHERE event_id = ?1 AND sink_id = ?2
