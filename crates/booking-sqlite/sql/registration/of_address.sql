-- registration/of_address: some of any event and in any state. No index leads there: this is asked
-- rarely, and it would have to be written with every seat
SELECT event_id, id
FROM registrations
WHERE user_email = ?1
LIMIT ?2
