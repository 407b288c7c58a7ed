-- endpoint/note: since when it fails, or that it does not, if that is news
UPDATE webhook_endpoints
SET failing_since = CASE WHEN NOT ?2 THEN ?3 END
WHERE id = ?1 AND (failing_since IS NULL) <> ?2
