-- fact/after: the rows with those that follow a version, up to another, and the registrations that these made
-- A registration whose version no fact made is a seat that was given at once. Nothing is read of an event that is not
-- here: of one that is moved some rows may be missing, and who was told the facts behind a hole would never look back.
SELECT version_first, recorded_at, body, NULL
FROM facts
WHERE event_id = ?1
    -- The row that the next version lies in may begin before it.
    AND version_first >= coalesce(
        (SELECT max(version_first) FROM facts WHERE event_id = ?1 AND version_first <= ?2 + 1), 1
    )
    AND version_first <= ?3
    AND EXISTS (SELECT 1 FROM events WHERE id = ?1)
UNION ALL
SELECT event_version, created_at, NULL, id
FROM registrations
WHERE event_id = ?1 AND event_version > ?2 AND event_version <= ?3
    AND EXISTS (SELECT 1 FROM events WHERE id = ?1)
