-- schema/applied: the migrations that were applied
SELECT version, coalesce(name, '') AS name, coalesce(checksum, '') AS checksum
FROM refinery_schema_history
