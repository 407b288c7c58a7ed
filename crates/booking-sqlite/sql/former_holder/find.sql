-- former_holder/find: who had a registration until a version of its event
SELECT user_email, name
FROM former_holders
WHERE event_id = ?1 AND registration_id = ?2 AND version = ?3
