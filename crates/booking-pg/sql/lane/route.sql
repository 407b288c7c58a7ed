-- lane/route: looks at facts that are new, and makes or lengthens the lanes that they are for
-- Several servers do this at once, each with rows of its own, so that one may have the later facts of an event
-- while another has the earlier ones and has not committed yet. A new lane therefore begins before the first
-- fact of its event that is new in this statement's snapshot, whichever server routes that one. A fact that is
-- not new any more was routed by a committed transaction, and lies before that.
WITH noted AS (
    SELECT event_id, version_first, version_last
    FROM new_facts
    ORDER BY event_id, version_first
    LIMIT $1::bigint
    FOR UPDATE SKIP LOCKED
),
-- Those of servers of an earlier version.
marked AS (
    SELECT event_id, version_last
    FROM facts
    WHERE is_new
    ORDER BY event_id, version_last
    LIMIT $1::bigint
    FOR UPDATE SKIP LOCKED
),
fresh AS (
    SELECT event_id, version_last
    FROM noted
    UNION ALL
    SELECT event_id, version_last
    FROM marked
),
spans AS (
    SELECT routed.event_id, earliest.version_first - 1 AS version, routed.target
    FROM (
        SELECT event_id, max(version_last) AS target
        FROM fresh
        GROUP BY event_id
    ) AS routed
    CROSS JOIN LATERAL (
        SELECT min(of_event.version_first) AS version_first
        FROM (
            (
                SELECT new_facts.version_first
                FROM new_facts
                WHERE new_facts.event_id = routed.event_id
                ORDER BY new_facts.version_first
                LIMIT 1
            )
            UNION ALL
            (
                SELECT facts.version_first
                FROM facts
                WHERE facts.event_id = routed.event_id AND facts.is_new
                ORDER BY facts.version_last
                LIMIT 1
            )
        ) AS of_event
    ) AS earliest
),
-- Where it says LIMIT, that keeps it a look-up. MATERIALIZED: Citus fails where an INSERT selects from tables itself.
wanted AS MATERIALIZED (
    SELECT spans.event_id, endpoints.id AS sink_id, spans.version, spans.target
    FROM spans
    CROSS JOIN LATERAL (
        SELECT events.organizer_id
        FROM events
        -- One of one, in order, so that only the primary key will do.
        WHERE events.id = ANY (ARRAY[spans.event_id])
        ORDER BY events.id
        LIMIT 1
    ) AS owned
    CROSS JOIN LATERAL (
        SELECT e.id
        FROM webhook_endpoints AS e
        WHERE e.organizer_id = coalesce(
                owned.organizer_id, '00000000-0000-0000-0000-000000000000'
            )
            AND (e.event_id IS NULL OR e.event_id = spans.event_id)
        LIMIT $4::bigint
    ) AS endpoints
    UNION ALL
    SELECT spans.event_id, '00000000-0000-0000-0000-000000000000', spans.version, spans.target
    FROM spans
    CROSS JOIN mail_senders
    WHERE mail_senders.only_row
        AND mail_senders.seen_at > coalesce($2::timestamptz, statement_timestamp())
            - make_interval(secs => $3::double precision)
),
-- In one order, so that two transactions do not deadlock. A lane that had nothing to do goes on from where the
-- facts are new: what lies between was not for it.
lanes AS (
    INSERT INTO delivery_lanes AS lane (event_id, sink_id, version, target, due_at)
    SELECT event_id, sink_id, version, target, coalesce($2::timestamptz, statement_timestamp())
    FROM wanted
    ORDER BY event_id, sink_id
    ON CONFLICT (event_id, sink_id) DO UPDATE
    SET version = CASE
            WHEN lane.due_at IS NULL THEN greatest(lane.version, excluded.version)
            ELSE lane.version
        END,
        target = greatest(lane.target, excluded.target),
        due_at = CASE
            WHEN lane.due_at IS NOT NULL THEN lane.due_at
            WHEN excluded.target > greatest(lane.version, excluded.version) THEN excluded.due_at
        END
),
-- Last, where the parts of a statement are run one after the other, as by Citus, so that the facts are still new to
-- those above; and not by ctid, which Citus takes from no other part. IS TRUE keeps it from being a join.
taken AS (
    DELETE FROM new_facts
    WHERE new_facts.event_id = ANY (ARRAY(SELECT event_id FROM noted))
        AND ((new_facts.event_id, new_facts.version_first) IN (
            SELECT event_id, version_first FROM noted
        )) IS TRUE
),
looked_at AS (
    UPDATE facts
    SET is_new = false
    WHERE facts.is_new
        AND facts.event_id = ANY (ARRAY(SELECT event_id FROM marked))
        AND ((facts.event_id, facts.version_last) IN (SELECT event_id, version_last FROM marked)) IS TRUE
)
SELECT count(*)
FROM fresh
HAVING count(*) > 0
