-- Where events are that are not, or not only, here: found by the last byte of an id, and without those that have left, of which
-- there may be very many. Nothing else changes.

-- For whoever asks of a registration that is not here.
CREATE INDEX moving_events_by_last_byte ON moving_events (substr(event_id, 16));

-- For whoever gives up what did not come, and deletes what says nothing any more.
CREATE INDEX moving_events_under_way ON moving_events (since) WHERE direction <> 'left';
