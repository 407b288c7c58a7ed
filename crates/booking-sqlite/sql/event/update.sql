-- event/update: only from the version that was decided upon
UPDATE events
SET booked_count = ?3, held_count = ?4, waitlist_count = ?5, version = ?6, due_at = ?7
WHERE id = ?1 AND version = ?2
