-- schema/raise: has programs know at least this migration to work with the tables
UPDATE schema_compatibility
SET needs_from = $1::integer
WHERE needs_from < $1::integer
