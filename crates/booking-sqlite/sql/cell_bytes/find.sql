-- cell_bytes/find: what the ids of events end in that are put up, if the store keeps to bytes
SELECT first_byte, last_byte FROM cell_bytes WHERE only_row = 1
