-- registration/by_address: the live one with the address of a command
SELECT {registration}
FROM registrations
WHERE event_id = ?1 AND user_email = ?2 AND status <> 'cancelled' AND status <> 'expired'
