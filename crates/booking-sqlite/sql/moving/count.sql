-- moving/count: what there is of an event beside its row; ?2 is from when on records count
SELECT
    (SELECT count(*) FROM registrations WHERE event_id = ?1),
    (SELECT coalesce(sum(coalesce(changed_version, event_version)), 0) FROM registrations WHERE event_id = ?1),
    (SELECT count(*) FROM facts WHERE event_id = ?1),
    (SELECT coalesce(sum(version_last - version_first + 1), 0) FROM facts WHERE event_id = ?1),
    (SELECT coalesce(max(version_last), 0) FROM facts WHERE event_id = ?1),
    (SELECT count(*) FROM idempotency_records WHERE event_id = ?1 AND recorded_at > ?2),
    (SELECT count(*) FROM former_holders WHERE event_id = ?1),
    (SELECT coalesce(sum(length(CAST(body AS BLOB))), 0) FROM event_questions WHERE event_id = ?1)
