-- registration/of_address: some registrations of an e-mail address, of any event and in any state
-- No index leads there: this is asked rarely, and every seat would have to write it.
SELECT event_id, id
FROM registrations
WHERE user_email = $1::text COLLATE "C"
LIMIT $2::bigint
