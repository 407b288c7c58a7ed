-- former_holder/sent: whom a mail was to, if it was sent or dropped; one that is stuck may be tried again
DELETE FROM former_holders
WHERE (event_id, registration_id, version) IN (
    SELECT event_id, registration_id, version
    FROM mails
    WHERE event_id = ?1 AND id = ?2 AND kind = 'handed_over' AND state IN ('sent', 'dropped')
)
