-- audit/count: how much there is to be counted
SELECT (SELECT count(*) FROM events), (SELECT count(created_at) FROM registrations)
