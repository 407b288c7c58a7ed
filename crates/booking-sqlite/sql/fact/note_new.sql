-- fact/note_new: notes the first version of an event that nobody has looked at, unless there is an earlier one
-- Where a row of facts is written a trigger does so.
INSERT INTO new_facts (event_id, version_first)
VALUES (?1, ?2)
ON CONFLICT (event_id) DO NOTHING
