-- migration/list: the versions of the migrations that were applied
SELECT version FROM refinery_schema_history
