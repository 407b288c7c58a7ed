-- Which cells a store is one of: those of the map with this id, which all of them have. So nobody takes another database for a
-- cell, whose tables look the same. NULL: it was not told so yet.
ALTER TABLE cell_bytes ADD COLUMN map_id BLOB
    CONSTRAINT cell_bytes_map_id_is_a_uuid CHECK (map_id IS NULL OR length(map_id) = 16);
