-- former_holder/purge: some that were kept at or before an instant
DELETE FROM former_holders
WHERE (event_id, registration_id, version) IN (
    SELECT event_id, registration_id, version
    FROM former_holders
    WHERE made_at <= ?1
    ORDER BY made_at
    LIMIT ?2
)
