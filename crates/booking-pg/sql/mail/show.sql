-- mail/show: says that a server is there that sends mail
INSERT INTO mail_senders AS shown (seen_at)
VALUES (coalesce($1::timestamptz, clock_timestamp()))
ON CONFLICT (only_row) DO UPDATE
SET seen_at = greatest(shown.seen_at, excluded.seen_at)
