-- moving/upsert
INSERT INTO moving_events (event_id, direction, move_id, place, since, until)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (event_id) DO UPDATE
SET direction = excluded.direction,
    move_id = excluded.move_id,
    place = excluded.place,
    since = excluded.since,
    until = excluded.until,
    state = NULL
