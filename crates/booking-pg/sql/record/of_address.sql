-- record/of_address: some records whose outcome says something, as an e-mail address in JSON
SELECT event_id, key_hash
FROM idempotency_records
WHERE position($1::text IN outcome) > 0
LIMIT $2::bigint
