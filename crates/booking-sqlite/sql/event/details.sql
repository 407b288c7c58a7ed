-- event/details: what a decision that changes the event itself needs of it
SELECT {event}, erase_at, remind_at
FROM events
WHERE id = ?1
