-- rewrite/find: whether a rewrite is finished
SELECT finished_at
FROM rewrites
WHERE name = $1::text COLLATE "C"
