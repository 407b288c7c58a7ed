-- registration/delete: takes out the rows that are about to be written anew
DELETE FROM registrations AS r
USING generate_subscripts($1::uuid[], 1) AS at
WHERE r.id = ($2::uuid[])[at] AND r.event_id = ($1::uuid[])[at]
