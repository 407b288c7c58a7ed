-- registration/respell: spells an address otherwise, unless another live registration has it so already
-- Under the lock of the event, so that no other transaction takes the address meanwhile.
UPDATE registrations AS respelt
SET user_email = $4::text
WHERE respelt.id = $2::uuid
    AND respelt.event_id = $1::uuid
    AND respelt.user_email = $3::text COLLATE "C"
    AND (
        respelt.status IN ('cancelled', 'expired')
        OR NOT EXISTS (
            SELECT 1
            FROM registrations AS other
            WHERE other.event_id = $1::uuid
                AND other.user_email = $4::text COLLATE "C"
                AND other.status IN ('confirmed', 'held', 'waitlisted', 'offered')
        )
    )
