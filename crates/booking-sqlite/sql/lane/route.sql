-- lane/route: makes or lengthens the lanes of an event, of its organizer's endpoints and of mail
-- A lane that had nothing to do goes on from where the facts are new: what lies between was not for
-- it.
INSERT INTO delivery_lanes (event_id, sink_id, version, target, due_at)
SELECT ?1, e.id, ?2, ?3, ?4
FROM events
CROSS JOIN webhook_endpoints AS e
WHERE events.id = ?1
    AND e.organizer_id = coalesce(events.organizer_id, zeroblob(16))
    AND (e.event_id IS NULL OR e.event_id = ?1)
UNION ALL
SELECT ?1, zeroblob(16), ?2, ?3, ?4
FROM mail_senders
WHERE only_row = 1 AND seen_at > ?5
ON CONFLICT (event_id, sink_id) DO UPDATE
SET version = CASE WHEN due_at IS NULL THEN max(version, excluded.version) ELSE version END,
    target = max(target, excluded.target),
    due_at = CASE
        WHEN due_at IS NOT NULL THEN due_at
        WHEN excluded.target > max(version, excluded.version) THEN excluded.due_at
    END
