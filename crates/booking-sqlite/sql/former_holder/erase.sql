-- former_holder/erase: some of an e-mail address
DELETE FROM former_holders
WHERE (event_id, registration_id, version) IN (
    SELECT event_id, registration_id, version
    FROM former_holders
    WHERE user_email = ?1
    LIMIT ?2
)
