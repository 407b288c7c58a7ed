-- fact/read: the one that made a version, in the row that it lies in, if it is stored
SELECT recorded_at, json_extract(body, '$[' || (?2 - version_first) || ']')
FROM facts
WHERE event_id = ?1
    AND version_first = (
        SELECT max(version_first) FROM facts WHERE event_id = ?1 AND version_first <= ?2
    )
    AND version_last >= ?2
