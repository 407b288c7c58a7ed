-- fact/routed: they are not new any more
DELETE FROM new_facts
WHERE event_id = ?1 AND version_first <= ?2
