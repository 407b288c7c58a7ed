-- moving/freeze
UPDATE events
SET frozen_until = $2::timestamptz
WHERE id = $1::uuid
