-- fact/read: the one that made a version, which is in the last row that begins at or before it
SELECT recorded_at, json_extract(body, '$[' || (?2 - version_first) || ']')
FROM facts
WHERE event_id = ?1 AND version_first <= ?2
ORDER BY version_first DESC
LIMIT 1
