-- endpoint/list: all endpoints, oldest first
SELECT
    id, organizer_id, event_id, url, types, includes_person, secret, former_secret, former_secret_until,
    disabled_at, disabled_why, failing_since, created_at
FROM webhook_endpoints
ORDER BY created_at, id
