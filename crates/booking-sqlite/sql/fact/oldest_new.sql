-- fact/oldest_new: when the oldest was recorded that nobody has looked at
SELECT min(coalesce(
    -- What made a registration was recorded when it was made.
    (
        SELECT registrations.created_at
        FROM registrations
        WHERE registrations.event_id = new_facts.event_id
            AND registrations.event_version = new_facts.version_first
    ),
    (
        SELECT facts.recorded_at
        FROM facts
        WHERE facts.event_id = new_facts.event_id AND facts.version_first = new_facts.version_first
    )
))
FROM new_facts
