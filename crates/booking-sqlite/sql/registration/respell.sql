-- registration/respell: spells an address otherwise, unless another live registration has it so already
UPDATE registrations
SET user_email = ?4
WHERE event_id = ?1
    AND event_version = ?2
    AND user_email = ?3
    AND (
        status IN ('cancelled', 'expired')
        OR NOT EXISTS (
            SELECT 1
            FROM registrations AS other
            WHERE other.event_id = ?1
                AND other.user_email = ?4
                AND other.status <> 'cancelled'
                AND other.status <> 'expired'
        )
    )
