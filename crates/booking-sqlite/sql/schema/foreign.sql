-- schema/foreign: whether there are tables, and not the one that every database of ours has
SELECT count(*) > 0 AND sum(type = 'table' AND name = 'refinery_schema_history') = 0 FROM sqlite_schema
