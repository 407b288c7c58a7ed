-- Makes the role that Booking's servers connect as, an ordinary one, and its database, as DB_USER, DB_PASSWORD
-- and DB_NAME say. psql runs this once, as the superuser, when the cluster has just been made: the
-- image's own script does so in docker/compose.yaml, booking-post-bootstrap in docker/compose.ha.yaml.
\getenv user DB_USER
\getenv password DB_PASSWORD
\getenv database DB_NAME
CREATE ROLE :"user" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"user";
