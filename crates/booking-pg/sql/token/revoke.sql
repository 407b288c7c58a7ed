-- token/revoke: makes a token worthless that is not yet
UPDATE organizer_tokens
SET revoked_at = coalesce($2::timestamptz, clock_timestamp())
WHERE id = $1::uuid AND revoked_at IS NULL
