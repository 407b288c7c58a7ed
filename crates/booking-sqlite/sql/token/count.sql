-- token/count
SELECT count(*)
FROM organizer_tokens
