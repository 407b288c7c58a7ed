-- moving/count: what there is of an event beside its row; $2 is from when on records count
SELECT
    r.rows, r.versions, f.rows, f.versions, f.version_last, i.rows, h.rows, q.bytes
FROM (
    SELECT count(*) AS rows, coalesce(sum(coalesce(changed_version, event_version)), 0)::bigint AS versions
    FROM (SELECT * FROM registrations WHERE event_id = $1::uuid ORDER BY event_version) AS own
) AS r
CROSS JOIN (
    SELECT
        count(*) AS rows,
        coalesce(sum(version_last - version_first + 1), 0)::bigint AS versions,
        coalesce(max(version_last), 0) AS version_last
    FROM (SELECT * FROM facts WHERE event_id = $1::uuid ORDER BY version_first) AS own
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
