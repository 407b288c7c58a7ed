-- ticket_key/list: the keys that a server has shown lately
SELECT public_key
FROM ticket_keys
WHERE seen_at > coalesce($1::timestamptz, statement_timestamp())
    - make_interval(secs => $2::double precision)
ORDER BY public_key
