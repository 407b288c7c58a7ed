-- moving/count: what there is of an event beside its row; $2 is from when on records count
SELECT
    r.rows, r.versions, f.rows, f.versions, f.version_last, i.rows, h.rows, q.bytes
FROM (
    SELECT count(*) AS rows, coalesce(sum(coalesce(changed_version, event_version)), 0)::bigint AS versions
    FROM (SELECT * FROM registrations WHERE event_id = $1::uuid ORDER BY event_version) AS own
) AS r
CROSS JOIN (
    -- A registration whose version no fact made was given its seat at once, and is that fact itself.
    SELECT
        count(*) FILTER (WHERE in_order.is_fact) AS rows,
        coalesce(
            sum(in_order.version_last - in_order.version_first + 1) FILTER (
                WHERE in_order.is_fact OR in_order.version_first > coalesce(in_order.before, 0)
            ),
            0
        )::bigint AS versions,
        coalesce(max(in_order.version_last), 0) AS version_last
    FROM (
        SELECT
            is_fact,
            version_first,
            version_last,
            max(version_last) OVER (
                ORDER BY version_first, is_fact DESC
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS before
        FROM (
            (
                SELECT true AS is_fact, version_first, version_last
                FROM facts
                WHERE event_id = $1::uuid
                ORDER BY version_first
            )
            UNION ALL
            (
                SELECT false, event_version, event_version
                FROM registrations
                WHERE event_id = $1::uuid
                ORDER BY event_version
            )
        ) AS made
    ) AS in_order
) AS f
CROSS JOIN (
    -- No condition of the rows, which would have them looked for by their times.
    SELECT count(*) FILTER (WHERE own.recorded_at > $2::timestamptz) AS rows
    FROM (SELECT * FROM idempotency_records WHERE event_id = $1::uuid ORDER BY key_hash) AS own
) AS i
CROSS JOIN (
    SELECT count(*) AS rows
    FROM (SELECT * FROM former_holders WHERE event_id = $1::uuid ORDER BY registration_id) AS own
) AS h
CROSS JOIN (
    SELECT coalesce(sum(octet_length(body)), 0) AS bytes
    FROM (SELECT * FROM event_questions WHERE event_id = $1::uuid ORDER BY event_id) AS own
) AS q
