-- endpoint/count: those of an organizer
SELECT count(*)
FROM webhook_endpoints
WHERE organizer_id = ?1
