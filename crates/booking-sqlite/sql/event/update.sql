-- event/update: only from the version that was decided upon
UPDATE events
SET booked_count = ?3, held_count = ?4, waitlist_count = ?5, version = ?6, due_at = ?7,
    -- It is when the version was made.
    changed_at = CASE WHEN version = ?6 THEN changed_at ELSE ?8 END
WHERE id = ?1 AND version = ?2
