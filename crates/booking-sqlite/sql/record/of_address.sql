-- record/of_address: some whose outcome says something, as an e-mail address in JSON
SELECT event_id, key_hash
FROM idempotency_records
WHERE instr(outcome, ?1) > 0
LIMIT ?2
