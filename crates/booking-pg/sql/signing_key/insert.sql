-- signing_key/insert: keeps a seed as the newest, or only if it is the first
-- Repeated after a COMMIT whose answer was lost, it is the newest already.
INSERT INTO signing_keys (seed, created_at)
SELECT $1::bytea, coalesce($3::timestamptz, clock_timestamp())
WHERE NOT EXISTS (
    SELECT
    FROM (SELECT seed FROM signing_keys ORDER BY id DESC LIMIT 1) AS newest
    WHERE $2::boolean OR newest.seed = $1::bytea
)
