-- endpoint/change: what is said of it, and the rest stays; ?8 says whether it is to be enabled, if anything
UPDATE webhook_endpoints
SET url = coalesce(?2, url),
    types = CASE WHEN ?3 THEN ?4 ELSE types END,
    includes_person = coalesce(?5, includes_person),
    secret = coalesce(?6, secret),
    former_secret = CASE WHEN ?6 <> secret THEN secret ELSE former_secret END,
    former_secret_until = CASE WHEN ?6 <> secret THEN ?7 ELSE former_secret_until END,
    disabled_at = CASE ?8 WHEN 1 THEN NULL WHEN 0 THEN coalesce(disabled_at, ?10) ELSE disabled_at END,
    disabled_why = CASE ?8 WHEN 1 THEN NULL WHEN 0 THEN coalesce(disabled_why, ?9) ELSE disabled_why END,
    failing_since = CASE WHEN ?8 = 1 AND disabled_at IS NOT NULL THEN NULL ELSE failing_since END
WHERE id = ?1
