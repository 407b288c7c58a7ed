-- rewrite/insert: a rewrite is finished
INSERT INTO rewrites (name, finished_at)
VALUES (?1, ?2)
