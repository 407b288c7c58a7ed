-- moving/identity: since when the server runs, and which tables of which database these are: whoever may use them may ask for
-- that, and it is the same by whatever road, but for a table that Citus keeps, which has one on each machine
SELECT
    to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
    (SELECT d.oid::text FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()),
    'moving_events'::regclass::oid::text
