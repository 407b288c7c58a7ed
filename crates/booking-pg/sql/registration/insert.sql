-- registration/insert: adds the seats that a batch gave at once, which is nearly all that is ever added
-- What such a row has in common with all others of its kind is the columns' defaults.
INSERT INTO registrations (event_id, id, user_email, event_version, created_at, token_hash, name)
SELECT event_id, id, user_email, event_version, $5::timestamptz, token_hash, name
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $6::bytea[], $7::text[])
    AS made (event_id, id, user_email, event_version, token_hash, name)
