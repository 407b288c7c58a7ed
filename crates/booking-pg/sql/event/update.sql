-- event/update: writes the counts and versions of events whose rows are locked
-- As long as due_at stays the same no index is touched. By subscripts, see registration/insert.
UPDATE events
SET booked_count = ($2::integer[])[at],
    held_count = ($3::integer[])[at],
    waitlist_count = ($4::integer[])[at],
    version = ($5::bigint[])[at],
    due_at = ($6::timestamptz[])[at],
    -- It is when the version was made.
    changed_at = CASE
        WHEN events.version = ($5::bigint[])[at] THEN events.changed_at
        ELSE $7::timestamptz
    END
FROM generate_subscripts($1::uuid[], 1) AS at
WHERE events.id = ($1::uuid[])[at]
