-- registration/insert: adds the registrations that a batch made
INSERT INTO registrations (event_id, id, user_email, event_version, created_at)
SELECT event_id, id, user_email, event_version, created_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[])
    AS made (event_id, id, user_email, event_version, created_at)
