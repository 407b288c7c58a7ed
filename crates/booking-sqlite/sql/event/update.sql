-- event/update: only from the version that was decided upon
UPDATE events
SET booked_count = ?2, version = ?3
WHERE id = ?1 AND version = ?4
