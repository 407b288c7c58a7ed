-- key/list: newest first
SELECT seed
FROM signing_keys
ORDER BY id DESC
