-- registration/insert: adds the seats that a batch gave at once, which is nearly all that is ever added
-- The values that all plain seats share are the columns' defaults.
-- Only columns without a fixed width go through unnest, which fills a store of 16 kB for each, so that
-- the server's heap grows and shrinks with every statement. A fixed width is found by its subscript at
-- once. A transaction of one seat took a fifth less of PostgreSQL's time for that.
INSERT INTO registrations (event_id, id, user_email, event_version, created_at, token_hash, name)
SELECT
    ($1::uuid[])[at], ($2::uuid[])[at], user_email, ($4::bigint[])[at], $5::timestamptz, token_hash,
    name
FROM unnest($3::text[], $6::bytea[], $7::text[])
    WITH ORDINALITY AS made (user_email, token_hash, name, at)
