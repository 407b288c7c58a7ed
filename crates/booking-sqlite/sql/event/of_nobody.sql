-- event/of_nobody: some that are nobody's
-- No index leads there: this is asked once, and each event would have to write it.
SELECT id
FROM events
WHERE organizer_id IS NULL
LIMIT ?1
