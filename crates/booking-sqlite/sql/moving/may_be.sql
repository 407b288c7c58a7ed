-- moving/may_be: whether any event is on its way, came just now, or was moved, whose id has the last byte of ?1
SELECT EXISTS (
    SELECT 1
    FROM moving_events
    WHERE substr(event_id, 16) = substr(?1, 16)
        AND direction <> 'leaving'
        AND (until IS NULL OR until > ?2)
)
