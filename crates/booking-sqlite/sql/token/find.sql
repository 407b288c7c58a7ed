-- token/find: with its organizer
SELECT t.id, o.id, o.name, t.token_hash, t.created_at, t.revoked_at, t.role, t.event_ids
FROM organizer_tokens AS t
JOIN organizers AS o ON o.id = t.organizer_id
WHERE t.id = ?1
