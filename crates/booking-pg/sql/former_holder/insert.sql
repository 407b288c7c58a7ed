-- former_holder/insert: keeps whose seats were given to others, as long as a server is there that sends mail
INSERT INTO former_holders (event_id, registration_id, version, user_email, name, made_at)
SELECT
    made.event_id, made.registration_id, made.version, made.user_email, made.name, $6::timestamptz
FROM mail_senders
CROSS JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])
    AS made (event_id, registration_id, version, user_email, name)
WHERE mail_senders.only_row
    AND mail_senders.seen_at > $6::timestamptz - make_interval(secs => $7::double precision)
