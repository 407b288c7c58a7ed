-- ticket_key/list: the keys that a server has shown after an instant
SELECT public_key
FROM ticket_keys
WHERE seen_at > ?1
ORDER BY public_key
