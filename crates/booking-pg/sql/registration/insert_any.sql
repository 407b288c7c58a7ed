-- registration/insert_any: adds registrations in whatever state they are
INSERT INTO registrations ({registration names})
SELECT
    ($1::uuid[])[at], ($2::uuid[])[at], user_email, name, status::registration_status,
    ($6::timestamptz[])[at], ($7::timestamptz[])[at], ($8::uuid[])[at], ($9::integer[])[at], token_hash,
    ($11::bigint[])[at], ($12::bigint[])[at], ($13::timestamptz[])[at]
FROM unnest($3::text[], $4::text[], $5::text[], $10::bytea[])
    WITH ORDINALITY AS made (user_email, name, status, token_hash, at)
