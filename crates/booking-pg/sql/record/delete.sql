-- record/delete: takes out records, unless they say something else by now
DELETE FROM idempotency_records AS kept
USING unnest($2::bytea[]) WITH ORDINALITY AS unwanted (key_hash, at)
WHERE kept.event_id = ($1::uuid[])[unwanted.at]
    AND kept.key_hash = unwanted.key_hash
    AND position(($3::text[])[unwanted.at] IN kept.outcome) > 0
