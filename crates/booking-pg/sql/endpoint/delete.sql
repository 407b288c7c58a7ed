-- endpoint/delete: takes out an endpoint
DELETE FROM webhook_endpoints
WHERE id = $1::uuid
