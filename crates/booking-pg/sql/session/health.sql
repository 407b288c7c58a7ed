-- session/health: whether this connection may write, and which migrations were applied
SELECT
    NOT current_setting('transaction_read_only')::boolean AS takes_writes,
    ARRAY(SELECT version FROM refinery_schema_history) AS versions
