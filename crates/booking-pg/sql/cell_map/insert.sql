-- cell_map/insert: keeps the first map; another that is there stays
-- An equal row is written again, so that a process that repeats this waits for its commit.
INSERT INTO cell_map AS kept (version, map, next)
VALUES ($1::bigint, $2::text, $3::text)
ON CONFLICT (only_row) DO UPDATE
SET version = excluded.version
WHERE kept.version = excluded.version
    AND kept.map = excluded.map
    AND kept.next IS NOT DISTINCT FROM excluded.next
