-- cell_bytes/keep: has events put up from now on whose ids end in some bytes alone, unless a later map has said otherwise, or
-- the store is one of other cells
-- SQLite numbers rows by such a key, whatever its default is.
INSERT INTO cell_bytes (only_row, version, first_byte, last_byte, map_id)
VALUES (1, ?1, ?2, ?3, ?4)
ON CONFLICT (only_row) DO UPDATE
SET version = excluded.version,
    first_byte = excluded.first_byte,
    last_byte = excluded.last_byte,
    map_id = coalesce(cell_bytes.map_id, excluded.map_id)
WHERE cell_bytes.version <= excluded.version
    AND coalesce(cell_bytes.map_id = excluded.map_id, 1)
