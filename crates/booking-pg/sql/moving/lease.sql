-- moving/lease: whoever moves an event is there
UPDATE moving_events
SET until = $2::timestamptz
WHERE event_id = $1::uuid
