-- registration/delete: takes out the rows that are about to be written anew
DELETE FROM registrations AS r
USING unnest($1::uuid[], $2::uuid[]) AS replaced (event_id, id)
WHERE r.id = replaced.id AND r.event_id = replaced.event_id
