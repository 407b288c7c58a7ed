-- registration/by_address: the live one with the address of a command
SELECT
    event_id, event_version, changed_version, id, user_email, name, status, expires_at,
    generation, token_hash, checked_in_at, scan_id, created_at
FROM registrations
WHERE event_id = ?1 AND user_email = ?2 AND status <> 'cancelled' AND status <> 'expired'
