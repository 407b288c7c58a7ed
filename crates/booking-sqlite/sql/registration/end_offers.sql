-- registration/end_offers: ends an event's offers at an instant at the latest
UPDATE registrations
SET expires_at = ?2
WHERE event_id = ?1 AND status = 'offered' AND expires_at > ?2
