-- record/otherwise_spelt: some whose outcome may say an address that is not in its canonical spelling
-- It may be quoted, or not ASCII.
SELECT event_id, key_hash, outcome
FROM idempotency_records
WHERE (event_id, key_hash) > ($1::uuid, $2::bytea)
    AND (
        position('"user_email":"\"' IN outcome) > 0
        OR octet_length(outcome) <> char_length(outcome)
    )
ORDER BY event_id, key_hash
LIMIT $3::bigint
