-- cell_bytes/keep: has events put up from now on whose ids end in some bytes alone, unless a later map has said otherwise, or
-- the store is one of other cells
-- Under the table's lock: no transaction that read the old bytes creates an event after this.
INSERT INTO cell_bytes AS kept (version, first_byte, last_byte, map_id)
VALUES ($1::bigint, $2::integer, $3::integer, $4::uuid)
ON CONFLICT (only_row) DO UPDATE
SET version = excluded.version,
    first_byte = excluded.first_byte,
    last_byte = excluded.last_byte,
    map_id = coalesce(kept.map_id, excluded.map_id)
WHERE kept.version <= excluded.version
    AND coalesce(kept.map_id = excluded.map_id, true)
