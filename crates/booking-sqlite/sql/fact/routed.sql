-- fact/routed: an event has none that are new any more
DELETE FROM new_facts
WHERE event_id = ?1
