-- record/delete_all: those of an event
DELETE FROM idempotency_records
WHERE event_id = ?1
