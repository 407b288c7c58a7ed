-- endpoint/note: writes since when an endpoint fails, or that it does not, if that is news
UPDATE webhook_endpoints
SET failing_since = CASE
        WHEN NOT $2::boolean THEN store.now
    END
FROM (SELECT coalesce($3::timestamptz, statement_timestamp()) AS now) AS store
WHERE id = $1::uuid AND (failing_since IS NULL) <> $2::boolean
