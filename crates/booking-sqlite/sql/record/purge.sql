-- record/purge: some of those that were made at or before an instant, the oldest first
DELETE FROM idempotency_records
WHERE rowid IN (
    SELECT rowid FROM idempotency_records WHERE recorded_at <= ?1 ORDER BY recorded_at LIMIT ?2
)
