-- cell_bytes/find: what the ids of events end in that are put up, and which cells the store is one of, if it was told so
SELECT version, first_byte, last_byte, map_id
FROM cell_bytes
WHERE only_row
