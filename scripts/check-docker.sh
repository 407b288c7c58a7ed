#!/usr/bin/env bash
# Checks what can be known about docker/ without building an image: that the files name each other,
# and what is in this repository, correctly. Called by scripts/test.sh. Needs PostgreSQL's programs.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/parts.sh

dockerfile=docker/Dockerfile
compose=docker/compose.yaml
sample=docker/booking.env.sample
database_sample=docker/database.env.sample
ha=docker/compose.ha.yaml
failures=0

fail() {
    echo "docker: $*" >&2
    failures=$((failures + 1))
}

# What the Dockerfile copies exists, and is let through by .dockerignore.
while read -r source; do
    [ -e "$source" ] || fail "$dockerfile copies $source, which is not there"
    grep -qxF "!${source%%/*}" .dockerignore || fail ".dockerignore hides $source, which $dockerfile copies"
done < <(sed -n 's/^COPY //p' "$dockerfile" | grep -v -- '--from=' |
    awk '{ for (i = 1; i < NF; i++) if ($i !~ /^--/) print $i }')

# Everything that the program's sources include at build time is copied.
while read -r included; do
    folder=${included%%/*}
    grep -qE "^COPY .*\b$folder\b" "$dockerfile" || fail "the sources include $included, which $dockerfile does not copy"
done < <({
    grep -rhoE 'include(_str|_bytes)?!\("(\.\./){3,}[^"]+' crates/*/src |
        grep -vE 'README.md|docker/OPERATING.md' || true
    # What a crate has a link to at the top. The licence is for packages of it.
    find crates -type l ! -name LICENSE -exec readlink {} \; | sed 's/^/"/'
} | sed -E 's/.*"(\.\.\/)+//' | sort -u)

# The builder knows our Rust, and builds for the C library of the base.
version() { printf '%03d%03d' "${1%%.*}" "${1#*.}"; }
builder=$(sed -nE 's/^FROM rust:([0-9]+\.[0-9]+)-.*/\1/p' "$dockerfile")
needed=$(sed -nE 's/^rust-version = "([0-9]+\.[0-9]+).*/\1/p' Cargo.toml)
if [ -z "$builder" ] || [ -z "$needed" ]; then
    fail "cannot read the version of Rust from $dockerfile and Cargo.toml"
elif [ "$(version "$builder")" -lt "$(version "$needed")" ]; then
    fail "$dockerfile builds with Rust $builder, and Cargo.toml wants $needed"
fi
if ! grep -q '^FROM rust:.*-bookworm' "$dockerfile" || ! grep -q '^FROM .*debian12' "$dockerfile"; then
    fail "builder and base of $dockerfile are not both Debian 12 (bookworm)"
fi

# A compose file's lines about a service, with those that it inherits by `<<` or by name, and without comments.
# For a key that is there twice the nearest is first.
of_service() { of_block "$1" "^  $2:\$"; }
of_block() {
    local file=$1 said anchor
    said=$(awk -v begins="$2" '
        /^ *#/ || /^ *$/ { next }
        { match($0, /[^ ]/) }
        inside && RSTART <= depth { exit }
        inside { print }
        !inside && $0 ~ begins { inside = 1; depth = RSTART }' "$file")
    echo "$said"
    while read -r anchor; do
        of_block "$file" "&$anchor\$"
    done < <(sed -nE 's/^ +(<<|[a-z_]+): \*//p' <<<"$said")
}
services() { awk '/^[a-z]/ { inside = /^services:/ } inside && /^  [a-z-]+:$/ { sub(/:/, "", $1); print $1 }' "$1"; }
# must FILE SERVICE WHAT PATTERN…: every pattern is in a line of it.
must() {
    local file=$1 service=$2 what=$3 pattern said
    said=$(of_service "$file" "$service")
    for pattern in "${@:4}"; do
        grep -qE -- "$pattern" <<<"$said" || fail "$service of $file $what ($pattern)"
    done
}
must_not() {
    local said
    said=$(of_service "$1" "$2")
    ! grep -qE -- "$4" <<<"$said" || fail "$2 of $1 $3 ($4)"
}

# The compose file is where .env says, and names the Dockerfile relative to its own folder.
grep -qx "COMPOSE_FILE=$compose" .env || fail ".env does not name $compose"
context=$(sed -nE 's/^ +context: //p' "$compose")
named=$(sed -nE 's/^ +dockerfile: //p' "$compose")
[ "$(realpath "docker/$context/$named")" = "$(realpath "$dockerfile")" ] ||
    fail "$compose builds $context/$named, which is not $dockerfile"

# Every variable that the compose file hands to a shell is the database's or made there, and every key of
# the samples is a setting of the program.
for name in $(grep -oE '\$\$[A-Z_]+' "$compose" | tr -d '$' | sort -u); do
    grep -q "^$name=" "$database_sample" || fail "$compose uses $name, which $database_sample does not set"
done
for file in "$sample" "$database_sample"; do
    for name in $(sed -nE 's/^(# )?([A-Z_]+)=.*/\2/p' "$file"); do
        grep -rqF "\"$name\"" crates/booking-http/src || fail "$file sets $name, which booking-http does not read"
    done
done
for name in $(sed -nE 's/^ENV //p' "$dockerfile" | tr ' ' '\n' | sed 's/=.*//'); do
    grep -rqF "\"$name\"" crates/booking-http/src || fail "$dockerfile sets $name, which booking-http does not read"
done

# One default port everywhere.
port=$(sed -nE 's/^ *"PORT" \["([0-9]+)"\].*/\1/p' crates/booking-http/src/settings.rs)
[ "$port" = 8080 ] || fail "booking-http listens on ${port:-no port}, and not on 8080"
grep -qE "^ENV .*\bPORT=$port\b" "$dockerfile" || fail "$dockerfile does not set PORT=$port"
grep -qx "EXPOSE $port" "$dockerfile" || fail "$dockerfile does not expose $port"
grep -qE "^#   docker run .*127\.0\.0\.1:$port:$port" "$dockerfile" || fail "$dockerfile tells another port than $port"
for file in "$compose" "$ha"; do
    [ "$(grep -cE "^ +- \"127\.0\.0\.1:$port:$port\"$" "$file")" = 1 ] || fail "$file does not publish $port on loopback"
    ! grep -qE '^ +- "?[0-9.]*:?[0-9]+:[0-9]+"?$' <(grep -vE "127\.0\.0\.1:$port:$port" "$file") ||
        fail "$file publishes something else, too"
    ! grep -qE ':3000\b' "$file" || fail "$file has the port of before"
done

# The image's own documentation explains running it alone, and the program knows that it is in a container.
grep -qE '^#   docker run --rm --volume booking:/data booking token create' "$dockerfile" ||
    fail "$dockerfile does not say how to make the first token"
grep -qE '^# .*--env ALLOW_OPEN=true' "$dockerfile" || fail "$dockerfile does not say how to go without a token"
grep -qE '^ENV .*\bBOOKING_CONTAINER=true\b' "$dockerfile" || fail "the program of $dockerfile does not know where it is"

# The database gets its own settings alone, and all that the servers get of them is the same.
for name in DB_USER DB_PASSWORD DB_NAME; do
    grep -q "^$name=" "$database_sample" || fail "$database_sample does not set $name"
    ! grep -q "^$name=" "$sample" || fail "$sample sets $name, which belongs into $database_sample"
done
[ "$(grep -cE '^[A-Z_]+=' "$database_sample")" = 3 ] || fail "$database_sample sets more than the database's three"
grep -qx "DB_NAME=$(sed -nE 's/^ *"DB_NAME" \["([a-z]+)"\].*/\1/p' crates/booking-http/src/settings.rs)" "$database_sample" ||
    fail "$database_sample does not name the default database"
for file in "$compose" "$ha"; do
    for service in $(services "$file"); do
        case $service in
            db*) must_not "$file" "$service" "is told what is the servers' affair" 'booking\.env'
                must "$file" "$service" "is not told of its database" 'path: database\.env\.sample$' 'path: database\.env$' ;;
            app*) must "$file" "$service" "is not told of its settings" 'path: booking\.env\.sample$' 'path: booking\.env$' \
                'path: database\.env\.sample$' 'path: database\.env$' ;;
            *) must_not "$file" "$service" "is told passwords that it does not need" 'env_file|\.env' ;;
        esac
    done
done
for name in booking.env database.env ha/patroni.env; do
    grep -qx "$name" docker/.gitignore || fail "Git does not ignore docker/$name"
    [ -e "docker/$name.sample" ] || fail "there is no docker/$name.sample"
done

# The servers' role is an ordinary one, created by the image's own superuser, whose password is unknown.
[ "$(grep -c "CREATE ROLE %I LOGIN'" docker/ha/owner.sql)" = 1 ] && grep -q '^ALTER ROLE :"user" LOGIN PASSWORD' docker/ha/owner.sql &&
    ! grep -qiE '^[^-].*superuser' docker/ha/owner.sql || fail "docker/ha/owner.sql does not make an ordinary role"
[ "$(grep -cE '^[^-]*CREATE ' docker/ha/owner.sql)" = "$(grep -c '^WHERE NOT EXISTS ' docker/ha/owner.sql)" ] ||
    fail "docker/ha/owner.sql makes something without looking whether it is there"
for name in $(sed -nE 's/^\\getenv [a-z]+ //p' docker/ha/owner.sql); do
    grep -q "^$name=" "$database_sample" || fail "docker/ha/owner.sql reads $name, which $database_sample does not set"
done
# Run again, and with another password, owner.sql makes one ordinary role and its database, whatever they are called.
# A superuser is no ordinary role.
in_psql() {
    "$postgres/psql" --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 \
        --host="$folder" --username=postgres --dbname=postgres "$@"
}
run_owner() { DB_USER=$1 DB_PASSWORD=$2 DB_NAME=$3 in_psql --file=docker/ha/owner.sql; }
check_owner() {
    local folder password made as_owner=()
    folder=$(mktemp -d "${TMPDIR:-/tmp}/booking-owner-XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then
        # PostgreSQL refuses to run as root.
        as_owner=(setpriv --reuid=nobody "--regid=$(id -gn nobody)" --clear-groups --)
        chown nobody "$folder"
    fi
    if "${as_owner[@]}" "$postgres/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --no-sync >"$folder/log" 2>&1 &&
        "${as_owner[@]}" "$postgres/pg_ctl" start --pgdata="$folder/data" --wait --log="$folder/server.log" \
            --options="-c listen_addresses= -c unix_socket_directories=$folder -F" >>"$folder/log" 2>&1; then
        for password in one one "a\$b\"c d#e\\f'g"; do
            run_owner 'a role' "$password" 'its "data' || fail "docker/ha/owner.sql fails when it is run again"
        done
        made=$(in_psql --command="
            SELECT rolsuper OR rolcreatedb OR rolcreaterole, rolcanlogin, rolpassword IS NOT NULL,
                (SELECT count(*) FROM pg_database WHERE datname = 'its \"data' AND datdba = pg_authid.oid)
            FROM pg_authid WHERE rolname = 'a role'")
        [ "$made" = 'f|t|t|1' ] || fail "docker/ha/owner.sql makes another role or database than it is to: $made"
        ! run_owner postgres x another 2>/dev/null || fail "docker/ha/owner.sql takes a superuser for the servers' role"
        ! run_owner 'a role' x postgres 2>/dev/null || fail "docker/ha/owner.sql takes another's database for the servers'"
        "${as_owner[@]}" "$postgres/pg_ctl" stop --pgdata="$folder/data" --mode=immediate >>"$folder/log"
    else
        fail "cannot try docker/ha/owner.sql: $(cat "$folder/log")"
    fi
    rm -rf "$folder"
}
postgres=$(find_postgres)
[ -z "$postgres" ] || postgres=$(dirname "$(readlink -f "$postgres/initdb")")
if [ -x "$postgres/psql" ]; then
    check_owner
else
    fail "cannot try docker/ha/owner.sql: there is no PostgreSQL (PG_BIN)"
fi

must "$compose" db "does not make the servers' role" '- \./ha/owner\.sql:/docker-entrypoint-initdb\.d/owner\.sql:ro$'
must "$compose" db "has a password for its superuser that somebody knows" 'POSTGRES_PASSWORD="\$\$\(head -c 32 /dev/urandom'
must_not "$compose" db "makes the servers' role a superuser" 'POSTGRES_USER'

# Every container has limits, has no privileges, and does not fill the disk with its log.
for file in "$compose" "$ha"; do
    for service in $(services "$file"); do
        must "$file" "$service" "is not bounded" '^ +mem_limit: [0-9]+[mg]$' '^ +cpus: (1|\$\{[A-Z_]+:-1\})$' '^ +pids_limit: [0-9]+$'
        must "$file" "$service" "keeps privileges" '^ +cap_drop:$' '^ +- ALL$' 'no-new-privileges:true'
        must "$file" "$service" "logs without end" '^ +driver: local$' '^ +max-size: [0-9]+m$' '^ +max-file: "[0-9]+"$'
        must "$file" "$service" "does not come back" '^ +restart: unless-stopped$'
        case $service in
            # The image has its health check.
            app*) must "$file" "$service" "leaves a volume behind at each start" '^ +tmpfs:$' '^ +- /data$'
                must "$file" "$service" "can be written to" '^ +read_only: true$' ;;
            *) must "$file" "$service" "has no health check" '^ +healthcheck:$' ;;
        esac
        ! grep -q '^ *image: booking' <<<"$(of_service "$file" "$service")" ||
            must "$file" "$service" "is looked for in a registry" '^ +pull_policy: never$'
    done
done
grep -q '^HEALTHCHECK ' "$dockerfile" || fail "$dockerfile has no health check"
grep -qx 'VOLUME /data' "$dockerfile" || fail "$dockerfile keeps its data elsewhere than what the compose files cover"
[ "$(of_service "$compose" db | sed -nE '/cap_add:/,/:$/s/^ +- ([A-Z_]+)$/\1/p' | sort | tr '\n' ' ')" = \
    "CHOWN DAC_READ_SEARCH FOWNER SETGID SETUID " ] || fail "db of $compose keeps other capabilities than it needs"

# Client addresses: each proxy has a fixed address, and only that is trusted.
gateway=$(sed -nE 's/^ +gateway: //p' "$compose")
[ -n "$gateway" ] && [ "$(sed -n 's/^TRUSTED_PROXIES=//p' "$sample")" = "$gateway" ] ||
    fail "$sample does not trust the gateway of $compose, by which this machine comes: ${gateway:-it has none}"
proxy=$(of_service "$ha" proxy | sed -nE 's/^ +ipv4_address: //p')
[ -n "$proxy" ] || fail "the proxy of $ha has no address of its own"
for service in $(services "$ha" | grep ^app); do
    [ "$(of_service "$ha" "$service" | sed -nE 's/^ +TRUSTED_PROXIES: //p')" = "$proxy" ] ||
        fail "$service of $ha does not trust the proxy $proxy, and only that"
    must "$ha" "$service" "believes another header than the proxy writes" '^ +CLIENT_ADDRESS_HEADER: X-Forwarded-For$'
done
[ "$(sed -nE 's/^ +gateway: //p' "$ha")" != "$proxy" ] || fail "the proxy of $ha has the gateway's address"
grep -qE '^ +ip_range: ' "$ha" || fail "whoever starts first in $ha may get the proxy's address"
for rule in 'http-request set-header X-Forwarded-For %\[src\]' 'http-request del-header Forwarded'; do
    grep -qE "^ +$rule\$" docker/ha/haproxy.cfg || fail "docker/ha/haproxy.cfg passes a client's own word on ($rule)"
done
! grep -qE '^ +(option forwardfor|log )' docker/ha/haproxy.cfg || fail "docker/ha/haproxy.cfg adds to a client's word, or says all twice"

# etcd, which asks for no password, is only in the nodes' network.
[ "$(of_service "$ha" etcd | grep -A9 'networks:' | sed -nE 's/^ +- ([a-z]+)$/\1/p' | head -1)" = cluster ] ||
    fail "etcd of $ha is not on the nodes' network"
must_not "$ha" etcd "is where others are" '^ +- default$'
grep -qE '^ +internal: true$' <<<"$(of_block "$ha" '^  cluster:$')" || fail "the nodes' network of $ha leads elsewhere"
for service in $(services "$ha"); do
    case $service in
        db*) must "$ha" "$service" "is not on the nodes' network" '^ +- cluster$' '^ +- default$' ;;
        etcd) ;;
        *) must_not "$ha" "$service" "is on the nodes' network" '^ +- cluster$' ;;
    esac
done

# Versions in the documents are correct.
plain=$(sed -nE 's/^ +image: postgres:([0-9]+)-.*/\1/p' "$compose")
nodes=$(sed -nE 's/^ENV PATH=.*postgresql\/([0-9]+)\/bin.*/\1/p' docker/ha/Dockerfile)
for said in "README.md:with PostgreSQL $plain;" "docker/OPERATING.md:PostgreSQL $nodes under Patroni" \
    "$compose:PostgreSQL $plain on one machine" "$ha:PostgreSQL $nodes servers" "docker/ha/Dockerfile:PostgreSQL is $nodes"; do
    grep -qF "${said#*:}" "${said%%:*}" || fail "${said%%:*} does not say ${said#*:}"
done
for said in "exec -T db sh -c 'pg_dump" 'PGPASSWORD="$DB_PASSWORD" pg_dump -h 127.0.0.1 -U "$DB_USER" -Fc "$DB_NAME"'; do
    grep -qF -- "$said" docker/OPERATING.md || fail "docker/OPERATING.md does not say how to back up ($said)"
done
# An upgrade from the old settings names those to move.
for said in '## Upgrading' 'DB_USER=booking' 'DB_NAME=booking' '`docker/database.env`' 'port 8080'; do
    grep -qF -- "$said" docker/OPERATING.md || fail "docker/OPERATING.md does not say how to upgrade ($said)"
done
grep -qF 'OPERATING.md#upgrading' README.md || fail "README.md does not lead to what it says of upgrading"
grep -q 'ALTER ROLE' "$database_sample" || fail "$database_sample does not say how to change the password"

# High availability: the image's files exist, the services find each other, and the samples have all required
# settings.
ha_sample=docker/ha/patroni.env.sample
for source in $(sed -n 's/^COPY //p' docker/ha/Dockerfile | tr ' ' '\n' | grep -vE '^--|/$'); do
    [ -e "docker/ha/$source" ] || fail "docker/ha/Dockerfile copies $source, which is not there"
done
is_service() { grep -qE "^  $1:\$" "$ha"; }
hosts=$(sed -nE 's/^ +DB_HOST: //p; s/^ +BOOKING_(ONE|TWO): //p; s/^ +PATRONI_.*(CONNECT_ADDRESS|HOSTS): //p' "$ha")
[ "$(echo "$hosts" | wc -l)" -eq 8 ] || fail "$ha does not name 8 hosts in its variables: $hosts"
for host in ${hosts//,/ }; do
    is_service "${host%%:*}" || fail "$ha names $host, which is none of its services"
done
for name in $(grep -oE '"\$\{[A-Z_]+\}"' docker/ha/haproxy.cfg | tr -d '"${}' | sort -u); do
    grep -q "^ *$name: " "$ha" || fail "docker/ha/haproxy.cfg uses $name, which $ha does not set"
    grep -q "\b$name=" scripts/failover.sh || fail "docker/ha/haproxy.cfg uses $name, which scripts/failover.sh does not set"
done
file=$(sed -nE 's/.*\/([a-z]+\.sql)".*/\1/p' docker/ha/booking-post-bootstrap)
grep -qE "^COPY .*booking-post-bootstrap.* $file /usr/local/bin/\$" docker/ha/Dockerfile ||
    fail "docker/ha/booking-post-bootstrap runs ${file:-nothing}, which docker/ha/Dockerfile does not put beside it"
grep -q "booking-post-bootstrap,$file" scripts/failover.sh || fail "scripts/failover.sh lets nobody read $file"
for name in PATRONI_{SUPERUSER,REPLICATION,RESTAPI}_{USERNAME,PASSWORD}; do
    grep -q "^$name=" "$ha_sample" || fail "$ha_sample does not set $name"
done
program=$(sed -nE 's/^ +post_bootstrap: //p' docker/ha/patroni.yaml)
[ -x "docker/ha/$program" ] || fail "docker/ha/patroni.yaml runs $program, which is no program there"
PATH=$PATH:/usr/sbin
if command -v haproxy >/dev/null; then
    BOOKING_BIND=127.0.0.1:1 BOOKING_ONE=127.0.0.1:2 BOOKING_TWO=127.0.0.1:3 \
        haproxy -c -q -f docker/ha/haproxy.cfg || fail "HAProxy refuses docker/ha/haproxy.cfg"
fi

# The compose files as Compose itself reads them, or at least as YAML.
read_by="nothing, since neither docker compose nor a YAML parser is installed"
for file in "$compose" "$ha" docker/ha/patroni.yaml; do
    if [ "$file" != docker/ha/patroni.yaml ] && command -v docker >/dev/null && docker compose version >/dev/null 2>&1; then
        docker compose --file "$file" config --quiet || fail "docker compose refuses $file"
        read_by="docker compose"
    elif command -v python3 >/dev/null && python3 -c 'import yaml' 2>/dev/null; then
        python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))' "$file" || fail "$file is not YAML"
        [ "$read_by" = "docker compose" ] || read_by="a YAML parser, since docker compose is not installed"
    elif command -v ruby >/dev/null; then
        ruby -ryaml -e 'YAML.load(File.read(ARGV[0]), aliases: true)' "$file" || fail "$file is not YAML"
        [ "$read_by" = "docker compose" ] || read_by="a YAML parser, since docker compose is not installed"
    fi
done

if [ "$failures" -gt 0 ]; then
    echo "docker: $failures problems" >&2
    exit 1
fi
echo "docker: files agree with each other and with the sources; $compose and $ha were read by $read_by"
