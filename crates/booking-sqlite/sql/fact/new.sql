-- fact/new: some events with facts that nobody has looked at, and from where to where those go
SELECT
    new_facts.event_id,
    new_facts.version_first,
    (
        SELECT facts.version_last
        FROM facts
        WHERE facts.event_id = new_facts.event_id
        ORDER BY facts.version_first DESC
        LIMIT 1
    )
FROM new_facts
ORDER BY new_facts.event_id
LIMIT ?1
