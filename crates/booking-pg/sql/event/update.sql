-- event/update: writes the counts and versions of events whose rows are locked; fails if one is not in the version that was
-- decided upon, since no version is NULL
-- As long as due_at stays the same no index is touched. By subscripts, see registration/insert; not in SET itself,
-- where Citus takes an array that is read for one that is written, which ends the server.
UPDATE events
SET booked_count = made.booked_count,
    held_count = made.held_count,
    waitlist_count = made.waitlist_count,
    version = CASE WHEN events.version = made.decided_upon THEN made.version END,
    due_at = made.due_at,
    -- It is when the version was made.
    changed_at = CASE
        WHEN events.version = made.version THEN events.changed_at
        ELSE $8::timestamptz
    END
FROM (
    SELECT
        ($1::uuid[])[at] AS id,
        ($2::integer[])[at] AS booked_count,
        ($3::integer[])[at] AS held_count,
        ($4::integer[])[at] AS waitlist_count,
        ($5::bigint[])[at] AS decided_upon,
        ($6::bigint[])[at] AS version,
        ($7::timestamptz[])[at] AS due_at
    FROM generate_subscripts($1::uuid[], 1) AS at
) AS made
WHERE events.id = made.id
