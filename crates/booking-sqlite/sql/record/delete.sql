-- record/delete: unless it says something else by now
DELETE FROM idempotency_records
WHERE event_id = ?1 AND key_hash = ?2 AND instr(outcome, ?3) > 0
