-- moving/mails: how many mails of an event are due or stuck, of ?2 at most
SELECT count(*)
FROM (
    SELECT 1
    FROM mails
    WHERE event_id = ?1 AND state IN ('due', 'stuck')
    LIMIT ?2
)
