-- token/revoke: makes a token worthless that is not yet
UPDATE organizer_tokens
SET revoked_at = store.now
FROM (SELECT coalesce($2::timestamptz, statement_timestamp()) AS now) AS store
WHERE id = $1::uuid AND revoked_at IS NULL
