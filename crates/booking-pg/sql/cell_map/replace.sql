-- cell_map/replace: keeps a map in place of the one that was kept; another that is there stays
-- An equal row is written again, so that a process that repeats this waits for its commit.
UPDATE cell_map
SET version = $1::bigint,
    map = $2::text,
    next = $3::text
WHERE only_row
    AND (
        version = $4::bigint AND map = $5::text AND next IS NOT DISTINCT FROM $6::text
        OR version = $1::bigint AND map = $2::text AND next IS NOT DISTINCT FROM $3::text
    )
