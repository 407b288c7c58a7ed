-- endpoint/change: changes what is said of an endpoint, and leaves the rest
-- Repeated it changes nothing: the secret is the new one already, and a disabled endpoint stays disabled as
-- it was.
UPDATE webhook_endpoints AS kept
SET url = coalesce($2::text, kept.url),
    types = CASE WHEN $3::boolean THEN $4::text ELSE kept.types END,
    includes_person = coalesce($5::boolean, kept.includes_person),
    secret = coalesce($6::bytea, kept.secret),
    former_secret = CASE
        WHEN $6::bytea <> kept.secret THEN kept.secret
        ELSE kept.former_secret
    END,
    former_secret_until = CASE
        WHEN $6::bytea <> kept.secret
            THEN store.former_until
        ELSE kept.former_secret_until
    END,
    disabled_at = CASE
        WHEN $8::boolean THEN NULL
        WHEN NOT $8::boolean
            THEN coalesce(kept.disabled_at, store.now)
        ELSE kept.disabled_at
    END,
    disabled_why = CASE
        WHEN $8::boolean THEN NULL
        WHEN NOT $8::boolean THEN coalesce(kept.disabled_why, $9::text)
        ELSE kept.disabled_why
    END,
    failing_since = CASE
        WHEN $8::boolean AND kept.disabled_at IS NOT NULL THEN NULL
        ELSE kept.failing_since
    END
FROM (
    SELECT
        coalesce($10::timestamptz, statement_timestamp()) AS now,
        coalesce($10::timestamptz, statement_timestamp())
            + make_interval(secs => $7::double precision) AS former_until
) AS store
WHERE kept.id = $1::uuid
