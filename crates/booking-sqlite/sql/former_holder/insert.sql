-- former_holder/insert: unless no server that sends mail was there after ?7
INSERT INTO former_holders (event_id, registration_id, version, user_email, name, made_at)
SELECT ?1, ?2, ?3, ?4, ?5, ?6
FROM mail_senders
WHERE only_row = 1 AND seen_at > ?7
