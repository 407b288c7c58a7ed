-- event/totals: sums over the published events
SELECT
    count(*),
    coalesce(sum(capacity), 0),
    coalesce(sum(booked_count), 0),
    coalesce(sum(held_count), 0),
    coalesce(sum(waitlist_count), 0)
FROM events
WHERE status = 'published'
