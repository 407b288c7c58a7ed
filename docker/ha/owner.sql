-- Makes the role that Booking's servers connect as, an ordinary one, and its database, as DB_USER, DB_PASSWORD
-- and DB_NAME say. psql runs this as the superuser when the cluster has just been made: the image's own
-- script does so in docker/compose.yaml, booking-post-bootstrap in docker/compose.ha.yaml.
--
-- It may be run again, by hand, too: what is there is left as it is, but the password, which becomes the one that
-- is set. A role of that name that is no ordinary one, or a database that is another's, is an error.
\getenv user DB_USER
\getenv password DB_PASSWORD
\getenv database DB_NAME
SELECT format('CREATE ROLE %I LOGIN', :'user')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user' AND NOT rolsuper)
\gexec
ALTER ROLE :"user" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database' AND pg_get_userbyid(datdba) = :'user')
\gexec
