-- token/revoke: one that is good
UPDATE organizer_tokens
SET revoked_at = ?2
WHERE id = ?1 AND revoked_at IS NULL
