-- mail/undone: how many are to be sent, and since when
SELECT count(*), min(made_at)
FROM mails
WHERE due_at <= 9223372036854775807
