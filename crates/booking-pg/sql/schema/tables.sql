-- schema/tables: whether the tables are there that tell of migrations
SELECT
    to_regclass('refinery_schema_history') IS NOT NULL AS history,
    to_regclass('schema_compatibility') IS NOT NULL AS compatibility
