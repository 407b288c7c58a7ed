-- record/delete_all: takes out all records of some events
DELETE FROM idempotency_records
WHERE event_id = ANY ($1::uuid[])
