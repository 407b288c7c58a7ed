-- event/load: what a decision needs of an event
SELECT capacity, booked_count, version
FROM events
WHERE id = ?1
