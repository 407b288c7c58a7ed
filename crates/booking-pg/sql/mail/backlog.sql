-- mail/backlog: how many mails are to be sent, since when, and how many are stuck
SELECT undone.mails, undone.oldest, given_up.mails
FROM (
    SELECT count(*) AS mails, min(due.made_at) AS oldest
    FROM (
        SELECT made_at
        FROM mails
        WHERE due_at <= 'infinity'
        ORDER BY due_at
    ) AS due
) AS undone
CROSS JOIN (
    SELECT count(*) AS mails
    FROM (
        SELECT id
        FROM mails
        WHERE state = 'stuck'
        ORDER BY event_id, id
    ) AS stuck
) AS given_up
