-- schema/applied: the migrations that were applied
SELECT version, coalesce(name, ''), coalesce(checksum, '') FROM refinery_schema_history
