-- moving/take_room: takes the room for an event that did not come, and was made before ?1, from whoever made it: by the move
-- of nobody, so that this may be done again until nothing is in there
UPDATE moving_events
SET move_id = zeroblob(16)
WHERE rowid IN (
    SELECT rowid
    FROM moving_events
    WHERE direction <> 'left' AND direction = 'arriving' AND until IS NULL AND since <= ?1
    ORDER BY since
    LIMIT 1
)
RETURNING event_id
