-- cell_map/upsert: keeps a map in place of any
-- SQLite numbers rows by such a key, whatever its default is.
INSERT INTO cell_map (only_row, version, map, next)
VALUES (1, ?1, ?2, ?3)
ON CONFLICT (only_row) DO UPDATE
SET version = excluded.version,
    map = excluded.map,
    next = excluded.next
