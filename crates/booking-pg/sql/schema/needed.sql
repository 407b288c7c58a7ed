-- schema/needed: the least migration that a program has to know to work with the tables
SELECT needs_from FROM schema_compatibility
