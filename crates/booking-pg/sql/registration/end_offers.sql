-- registration/end_offers: ends the offers of an event whose row is locked at an instant at the latest
UPDATE registrations
SET expires_at = $2::timestamptz
WHERE event_id = $1::uuid AND status = 'offered' AND expires_at > $2::timestamptz
