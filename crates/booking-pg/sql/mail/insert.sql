-- mail/insert: keeps mails to be sent, but for those that are there
INSERT INTO mails (event_id, id, registration_id, kind, version, made_at, due_at)
SELECT
    made.event_id, made.id, made.registration_id, made.kind, made.version,
    coalesce($6::timestamptz, statement_timestamp()),
    coalesce($6::timestamptz, statement_timestamp())
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[])
    AS made (event_id, id, registration_id, kind, version)
-- In one order, so that two transactions do not deadlock.
ORDER BY made.event_id, made.id
ON CONFLICT (event_id, id) DO NOTHING
