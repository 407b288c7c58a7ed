-- fact/oldest_new: when the oldest was recorded that nobody has looked at
SELECT min(facts.recorded_at)
FROM new_facts
CROSS JOIN facts
    ON facts.event_id = new_facts.event_id AND facts.version_first = new_facts.version_first
