-- token/list: all tokens and their organizers, newest first
SELECT t.id, o.id, o.name, t.token_hash, t.created_at, t.revoked_at, t.role, t.event_ids
FROM organizer_tokens AS t
JOIN organizers AS o ON o.id = t.organizer_id
ORDER BY t.created_at DESC, t.id DESC
