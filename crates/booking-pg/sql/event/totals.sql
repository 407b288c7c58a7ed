-- event/totals: sums over the published events
SELECT
    count(*) AS events,
    coalesce(sum(capacity), 0)::bigint AS capacity,
    coalesce(sum(booked_count), 0)::bigint AS booked,
    coalesce(sum(held_count), 0)::bigint AS held,
    coalesce(sum(waitlist_count), 0)::bigint AS waiting
FROM events
WHERE status = 'published'
