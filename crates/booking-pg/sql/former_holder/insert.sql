-- former_holder/insert: keeps whose seats were given to others, as long as a server is there that sends mail
-- MATERIALIZED: Citus fails where an INSERT selects from a table and an array itself.
WITH sender AS MATERIALIZED (
    SELECT 1
    FROM mail_senders
    WHERE only_row AND seen_at > $6::timestamptz - make_interval(secs => $7::double precision)
)
INSERT INTO former_holders (event_id, registration_id, version, user_email, name, made_at)
SELECT
    made.event_id, made.registration_id, made.version, made.user_email, made.name, $6::timestamptz
FROM sender
CROSS JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])
    AS made (event_id, registration_id, version, user_email, name)
