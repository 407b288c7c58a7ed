-- event/assign: gives an event that is nobody's to an organizer; one that ?3 says may be its already stays so
UPDATE events
SET organizer_id = ?2
WHERE id = ?1 AND (organizer_id IS NULL OR ?3 AND organizer_id = ?2)
