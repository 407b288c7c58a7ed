-- registration/insert: adds the seats that a batch gave at once, which is nearly all that is ever added
-- What such a row has in common with all others of its kind is the columns' defaults.
-- Only what has no fixed width goes through unnest, which fills a store of 16 kB for each column, so that
-- the server's heap grows and shrinks with every statement. What has a fixed width is found by its
-- subscript at once. A transaction of one seat took a fifth less of PostgreSQL's time for that.
INSERT INTO registrations (event_id, id, user_email, event_version, created_at, token_hash, name)
SELECT
    ($1::uuid[])[at], ($2::uuid[])[at], user_email, ($4::bigint[])[at], $5::timestamptz, token_hash,
    name
FROM unnest($3::text[], $6::bytea[], $7::text[])
    WITH ORDINALITY AS made (user_email, token_hash, name, at)
