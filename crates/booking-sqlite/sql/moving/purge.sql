-- moving/purge: deletes what says no more than that somebody was moving an event, or that one came, a while ago
DELETE FROM moving_events
WHERE rowid IN (
    SELECT rowid
    FROM moving_events
    WHERE direction <> 'left' AND until <= ?1
    ORDER BY since
    LIMIT ?2
)
