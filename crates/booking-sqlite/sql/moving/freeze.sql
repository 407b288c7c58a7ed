-- moving/freeze
UPDATE events
SET frozen_until = ?2
WHERE id = ?1
