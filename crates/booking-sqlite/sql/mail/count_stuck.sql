-- mail/count_stuck
SELECT count(*)
FROM mails
WHERE state = 'stuck'
