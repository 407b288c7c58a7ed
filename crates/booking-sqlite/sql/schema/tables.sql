-- schema/tables: whether the tables are there that tell of migrations
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1
