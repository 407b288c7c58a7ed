-- session/durability: whether the server keeps what it acknowledges
SELECT
    current_setting('fsync') = 'on' AS fsync,
    current_setting('synchronous_commit') <> 'off' AS synchronous_commit
