-- moving/mails: how many mails of an event are due or stuck, of $2 at most
SELECT count(*)
FROM (
    SELECT m.id
    FROM mails AS m
    WHERE m.event_id = $1::uuid AND m.state IN ('due', 'stuck')
    ORDER BY m.event_id, m.id
    LIMIT $2::bigint
) AS leaving
