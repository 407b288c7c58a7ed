-- event/reminded: nobody is to be reminded at that time any more; no index but the key can find such a row
UPDATE events
SET remind_at = NULL
WHERE id = $1::uuid AND remind_at IS NOT DISTINCT FROM $2::timestamptz
