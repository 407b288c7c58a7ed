-- moving/count: what there is of an event beside its row; ?2 is from when on records count
SELECT
    (SELECT count(*) FROM registrations WHERE event_id = ?1),
    (SELECT coalesce(sum(coalesce(changed_version, event_version)), 0) FROM registrations WHERE event_id = ?1),
    (SELECT count(*) FROM facts WHERE event_id = ?1),
    -- A registration whose version no fact made was given its seat at once, and is that fact itself.
    (
        SELECT coalesce(sum(version_last - version_first + 1), 0)
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
                SELECT 1 AS is_fact, version_first, version_last FROM facts WHERE event_id = ?1
                UNION ALL
                SELECT 0, event_version, event_version FROM registrations WHERE event_id = ?1
            )
        )
        WHERE is_fact OR version_first > coalesce(before, 0)
    ),
    max(
        (SELECT coalesce(max(version_last), 0) FROM facts WHERE event_id = ?1),
        (SELECT coalesce(max(event_version), 0) FROM registrations WHERE event_id = ?1)
    ),
    (SELECT count(*) FROM idempotency_records WHERE event_id = ?1 AND recorded_at > ?2),
    (SELECT count(*) FROM former_holders WHERE event_id = ?1),
    (SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM event_questions WHERE event_id = ?1)
