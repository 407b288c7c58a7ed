-- fact/new: some rows that nobody has looked at
SELECT event_id, version_first, version_last
FROM new_facts
ORDER BY event_id, version_first
LIMIT ?1
