-- rewrite/insert: a rewrite is finished
INSERT INTO rewrites (name, finished_at)
VALUES ($1::text, clock_timestamp())
ON CONFLICT (name) DO NOTHING
