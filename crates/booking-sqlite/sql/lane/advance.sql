-- lane/advance: how far it has come, if it is one's turn; ?8 is when it is due again, if that is said
UPDATE delivery_lanes
SET version = ?4,
    position = ?5,
    attempts = ?6,
    lease = CASE WHEN ?7 THEN lease END,
    due_at = CASE WHEN ?8 IS NOT NULL THEN ?8 WHEN target > ?4 THEN ?9 END
WHERE event_id = ?1 AND sink_id = ?2 AND lease = ?3
