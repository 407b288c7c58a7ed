-- record/of_address: those whose outcome says something, as an e-mail address in JSON, and those that may say
-- it in another spelling
SELECT event_id, key_hash, outcome
FROM idempotency_records
WHERE instr(outcome, ?1) > 0
    OR instr(outcome, '"user_email":"\"') > 0
    OR length(CAST(outcome AS BLOB)) <> length(outcome)
