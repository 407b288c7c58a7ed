-- mail/due: longest due first
SELECT event_id, id, registration_id, kind, version, attempts, made_at
FROM mails
WHERE due_at <= ?1
ORDER BY due_at
LIMIT ?2
