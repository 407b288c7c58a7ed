-- signing_key/list: the seeds of all keys, newest first
SELECT seed
FROM signing_keys
ORDER BY id DESC
