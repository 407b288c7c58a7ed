-- mail/show: says that a server is there that sends mail
INSERT INTO mail_senders (only_row, seen_at)
VALUES (1, ?1)
ON CONFLICT (only_row) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)
