-- fact/new: some events with facts that nobody has looked at, and from where to where those go
SELECT new_facts.event_id, new_facts.version_first, events.version
FROM new_facts
CROSS JOIN events ON events.id = new_facts.event_id
ORDER BY new_facts.event_id
LIMIT ?1
