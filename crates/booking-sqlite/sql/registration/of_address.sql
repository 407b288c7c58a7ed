-- registration/of_address: of any event and in any state, those that are of an address, and those that may be, in
-- another spelling. No index leads there: this is asked rarely, and it would have to be written with every
-- seat
SELECT event_id, id, user_email
FROM registrations
WHERE user_email = ?1
    OR user_email GLOB '"*'
    OR length(CAST(user_email AS BLOB)) <> length(user_email)
