-- former_holder/delete: all who had a registration
DELETE FROM former_holders
WHERE event_id = ?1 AND registration_id = ?2
