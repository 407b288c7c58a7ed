-- event/load: what a decision needs of an event
SELECT {state}
FROM events
WHERE id = ?1
