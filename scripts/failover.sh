#!/usr/bin/env bash
# Fails over in the middle of a sale and has every answer judged: two PostgreSQL servers under Patroni with
# synchronous replication, etcd, two Booking servers and HAProxy, all on loopback and in a temporary
# folder, with the configuration of docker/compose.ha.yaml. The leader's PostgreSQL and its Patroni are
# killed (kill -9); the standby has to take over, and nothing that was acknowledged may be lost. Then the
# killed one comes back as a standby, and the other one is killed.
#
#   scripts/failover.sh [--rounds N | --asynchronous | --standby]
#
#   --rounds N       how many leaders are killed, one after the other; 2 unless told otherwise
#   --asynchronous   the control: COMMIT does not wait for the standby, one leader is killed, and the
#                    judge must find what was lost
#   --standby        kill the standby instead, to see how long writes wait until the leader goes on alone
#
# Before each kill nothing is replicated for a second, as on a slow or broken network: with synchronous replication
# no commit is acknowledged in it, without it all of that is lost. Before all kills but the last it is 6 s, and the
# leader writes far more than Patroni usually lets a standby be behind.
# FAILOVER_SECONDS (30) is the longest time from a kill to a change at the new leader. FAILOVER_PROGRAMS is
# a folder with booking-http and booking-load, if they are not to be built.
#
# Needs Rust, PostgreSQL, Patroni, etcd and HAProxy; installs Debian's packages if they are missing and it
# may (as root, or by sudo without a password). As root it runs the database as `postgres` or `nobody`.
# The history, for `booking-load judge --check FILE`, and all logs stay in the build's folder,
# under failover/synchronous/ or failover/asynchronous/.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/parts.sh

usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
rounds=2
mode=synchronous
victim=leader
while [ $# -gt 0 ]; do
    case $1 in
        --rounds) [[ ${2:-} =~ ^[1-9][0-9]?$ ]] || usage; rounds=$2; shift 2 ;;
        --asynchronous) mode=asynchronous; rounds=1; shift ;;
        --standby) victim=standby; rounds=1; shift ;;
        *) usage ;;
    esac
done
seconds_max=${FAILOVER_SECONDS:-30}

# --- What it needs.

# Where Debian keeps HAProxy, out of the way of ordinary users.
PATH=$PATH:/usr/sbin:/sbin
missing=()
[ -n "$(find_postgres)${PG_BIN:-}" ] || missing+=(postgresql)
has patroni || missing+=(patroni python3-etcd)
has etcd || missing+=(etcd-server)
has haproxy || missing+=(haproxy)
if [ ${#missing[@]} -gt 0 ]; then
    may_install || fail "missing: ${missing[*]} (so called on Debian)"
    install "${missing[@]}"
fi
postgres=$(find_postgres)
[ -n "$postgres" ] || fail "there is no PostgreSQL server in ${PG_BIN:-the folders of the PATH or of Debian}"
# Not a folder of links, which may be to a part of the programs only.
postgres=$(dirname "$(readlink -f "$postgres/initdb")")
# PostgreSQL refuses to run as root.
as_owner=()
owner=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
    owner=postgres
    id "$owner" >/dev/null 2>&1 || owner=nobody
    as_owner=(setpriv "--reuid=$owner" "--regid=$(id -gn "$owner")" --clear-groups --)
fi

target=${CARGO_TARGET_DIR:-target}
[ -n "${FAILOVER_PROGRAMS:-}" ] || cargo build --quiet --locked -p booking-http -p booking-load
programs=$(cd "${FAILOVER_PROGRAMS:-$target/debug}" && pwd)
server=$programs/booking-http load=$programs/booking-load

# --- What it starts, and ends: only by the ids of what it started.

folder=$(mktemp -d "${TMPDIR:-/tmp}/booking-failover-XXXXXX")
step="starting"
declare -A pid=()

# The postmaster of a node, if it runs.
postmaster() {
    local id=
    read -r id 2>/dev/null <"$folder/$1/data/postmaster.pid" || return 1
    # The id may belong to another process by now.
    { tr '\0' ' ' <"/proc/$id/cmdline"; } 2>/dev/null | grep -qF "$folder/$1/data" && echo "$id"
}

runs() { kill -0 "$1" 2>/dev/null && ! grep -q '^[^)]*) [ZX]' "/proc/$1/stat" 2>/dev/null; }

close() {
    local status=$? name id
    set +e
    trap - EXIT INT TERM
    # Patroni first, which would start its database again.
    for name in one two; do [ -z "${pid[$name]:-}" ] || kill -KILL "${pid[$name]}"; done 2>/dev/null
    for name in one two; do
        id=$(postmaster "$name") && kill -QUIT "$id"
    done 2>/dev/null
    for id in "${pid[@]}"; do kill -KILL "$id"; done 2>/dev/null
    wait 2>/dev/null
    for _ in {1..100}; do
        postmaster one >/dev/null || postmaster two >/dev/null || break
        sleep 0.1
    done
    for name in one two; do
        id=$(postmaster "$name") && kill -KILL "$id"
    done 2>/dev/null
    local kept=$target/failover/$mode
    rm -rf "$kept" && mkdir -p "$kept"
    cp "$folder"/*.log "$folder"/*.jsonl "$folder"/*.txt "$kept" 2>/dev/null
    [ "$status" -eq 0 ] ||
        echo "failover: FAILED while $step (exit status $status); logs and history are in $kept" >&2
    rm -rf "$folder" || { sleep 1 && rm -rf "$folder"; }
    exit "$status"
}
trap close EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# In the background, with its own log.
launch() {
    local name=$1
    shift
    "$@" >>"$folder/$name.log" 2>&1 </dev/null &
    pid[$name]=$!
}

taken=" "
# A free port, outside of the range for outgoing connections.
free_port() {
    local port
    while :; do
        port=$((10240 + (RANDOM * 32768 + RANDOM) % 21000))
        case $taken in *" $port "*) continue ;; esac
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    taken="$taken$port "
    printf -v "$1" '%s' "$port"
}

# The status of GET PATH at PORT.
http() {
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/127.0.0.1/$0" &&
            printf "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" "$1" >&3 &&
            read -r _ status _ <&3 && echo "$status" && cat <&3 >/dev/null' "$1" "$2" 2>/dev/null || true
}
answers() { [ "$(http "$1" "$2")" = 200 ]; }

# wait_for SECONDS WHAT COMMAND…
wait_for() {
    local until=$((SECONDS + $1)) name
    step="waiting for $2"
    while ! "${@:3}"; do
        [ "$SECONDS" -lt "$until" ] || fail "$2: not within $1 s"
        for name in "${!pid[@]}"; do
            [ -z "${pid[$name]:-}" ] || runs "${pid[$name]}" || fail "$name has ended"
        done
        sleep 0.2
    done
}

# --- The parts, as docker/compose.ha.yaml has them.

set -a
. docker/database.env.sample
. docker/booking.env.sample
. docker/ha/patroni.env.sample
set +a
for name in etcd_port peer_port one_port two_port one_rest two_rest app_one_port app_two_port proxy_port; do
    free_port "$name"
done
declare -A rest=([one]=$one_rest [two]=$two_rest) database=([one]=$one_port [two]=$two_port)
cp docker/ha/* "$folder"
[ "$mode" = synchronous ] || sed -i 's/synchronous_mode: true/synchronous_mode: false/' "$folder/patroni.yaml"
mkdir -m 700 "$folder/one" "$folder/two" "$folder/etcd"
chmod 711 "$folder"
[ ${#as_owner[@]} -eq 0 ] || chown -R "$owner:" "$folder/one" "$folder/two" "$folder/etcd"
# The samples' passwords, for clients on this machine, for as long as this runs.
chmod -R go+rX "$folder"/{patroni.yaml,booking-post-bootstrap,owner.sql}

launch etcd "${as_owner[@]}" etcd --name=etcd --data-dir="$folder/etcd/data" --log-level=warn \
    --listen-client-urls="http://127.0.0.1:$etcd_port" --advertise-client-urls="http://127.0.0.1:$etcd_port" \
    --listen-peer-urls="http://127.0.0.1:$peer_port" --initial-advertise-peer-urls="http://127.0.0.1:$peer_port" \
    --initial-cluster="etcd=http://127.0.0.1:$peer_port"

# Patroni takes it for a fault, and waits for 5 s, if it does not lead yet.
wait_for 30 "etcd" answers "$etcd_port" /health

patroni() {
    launch "$1" "${as_owner[@]}" env -C "$folder/$1" PATH="$folder:$postgres:$PATH" \
        PATRONI_NAME="$1" PATRONI_ETCD3_HOSTS="127.0.0.1:$etcd_port" \
        PATRONI_POSTGRESQL_LISTEN="127.0.0.1:${database[$1]}" \
        PATRONI_POSTGRESQL_CONNECT_ADDRESS="127.0.0.1:${database[$1]}" \
        PATRONI_POSTGRESQL_DATA_DIR="$folder/$1/data" PATRONI_POSTGRESQL_PGPASS="$folder/$1/pgpass" \
        PATRONI_POSTGRESQL_BIN_DIR="$postgres" \
        PATRONI_RESTAPI_LISTEN="127.0.0.1:${rest[$1]}" PATRONI_RESTAPI_CONNECT_ADDRESS="127.0.0.1:${rest[$1]}" \
        patroni "$folder/patroni.yaml"
}
leads() { answers "${rest[$1]}" /primary; }
follows() {
    if [ "$mode" = synchronous ]; then answers "${rest[$1]}" /synchronous; else answers "${rest[$1]}" /replica; fi
}
# Whether one of them leads and the other follows; sets `leader` and `standby`.
is_whole() {
    local name
    for name in "one two" "two one"; do
        leader=${name% *} standby=${name#* }
        if leads "$leader" && follows "$standby"; then return; fi
    done
    return 1
}
# As a superuser, at the leader.
ask() {
    PGPASSWORD=$PATRONI_SUPERUSER_PASSWORD "$postgres/psql" --no-psqlrc --quiet --tuples-only --no-align \
        --host=127.0.0.1 --port="${database[$leader]}" --username="$PATRONI_SUPERUSER_USERNAME" \
        --dbname="$DB_NAME" --command="$1"
}

patroni one
patroni two
wait_for 120 "a leader and its standby" is_whole
echo "failover: $leader leads and $standby follows, after $SECONDS s; replication is $mode"

export DATABASE_URL="postgresql://$DB_USER:$DB_PASSWORD@127.0.0.1:$one_port,127.0.0.1:$two_port/$DB_NAME?target_session_attrs=read-write"
for variable in $(compgen -e DB_); do
    case $variable in DB_POOL_SIZE | DB_WAIT_SECONDS) ;; *) export -n "${variable?}" ;; esac
done
# All of them come from one address.
export CLIENT_RATE=0 CLIENT_HOLDS_MAX=0 CLIENT_SEATS_MAX=0 EMAIL_HOLDS_MAX=0
export TRUSTED_PROXIES=127.0.0.1 RUST_LOG=${RUST_LOG:-info,access=off}
launch app-one env PORT="$app_one_port" "$server"
launch app-two env PORT="$app_two_port" "$server"
wait_for 60 "server one" answers "$app_one_port" /readyz
wait_for 60 "server two" answers "$app_two_port" /readyz
export BOOKING_BIND="127.0.0.1:$proxy_port" BOOKING_ONE="127.0.0.1:$app_one_port" BOOKING_TWO="127.0.0.1:$app_two_port"
launch haproxy haproxy -db -f "$folder/haproxy.cfg"
wait_for 30 "HAProxy" answers "$proxy_port" /readyz

# --- The sale.

launch judge "$load" judge --url "http://127.0.0.1:$proxy_port" --until-stopped --clients 16 --events 8 \
    --seats 400 --answer-timeout-seconds 40 --decide-within-seconds 120 --history "$folder/history.jsonl" \
    --reach Registered --reach "Confirmed -> Cancelled"
replicates() {
    sender=$(ask "SELECT pid FROM pg_stat_replication WHERE application_name = '$standby' AND state = 'streaming'")
    [ -n "$sender" ]
}
sold() { [ "$(ask 'SELECT coalesce(sum(version), 0) FROM events')" -ge "$1" ]; }

slowest=0
for ((round = 1; round <= rounds; round++)); do
    wait_for 120 "a leader and its standby" is_whole
    before=$(ask 'SELECT coalesce(sum(version), 0) FROM events')
    wait_for 60 "the sale to go on" sold $((before + 500))
    killed=${!victim} survivor=$standby
    [ "$victim" = leader ] || survivor=$leader
    wait_for 60 "$leader to replicate to $standby" replicates
    step="killing $killed"
    # Its walsender: what is committed from now on does not arrive.
    kill -STOP "$sender"
    silence=1
    if [ "$round" -lt "$rounds" ]; then
        # As a vacuum writes it, for no commit; and time for the leader to report it.
        ask "SELECT pg_logical_emit_message(false, 'failover', repeat('x', 8000000))" >/dev/null
        silence=6
    fi
    sleep "$silence"
    postmaster=$(postmaster "$killed") || fail "$killed has no postmaster"
    kill -KILL "${pid[$killed]}" "$postmaster"
    # One that is stopped does not end by itself.
    if [ "$victim" = leader ]; then kill -KILL "$sender"; else kill -CONT "$sender"; fi
    wait "${pid[$killed]}" 2>/dev/null || true
    unset "pid[$killed]"
    began=${EPOCHREALTIME/[.,]/}
    wait_for 90 "$survivor to lead" leads "$survivor"
    leader=$survivor
    before=$(ask 'SELECT coalesce(sum(version), 0) FROM events')
    wait_for 60 "changes at the new leader" sold $((before + 1))
    took=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
    [ "$took" -le "$slowest" ] || slowest=$took
    echo "failover: round $round: $killed was killed; $leader leads and is written to after $((took / 10)).$((took % 10)) s"
    # Back as a standby.
    [ "$round" -eq "$rounds" ] || patroni "$killed"
done

wait_for 60 "the sale to go on" sold $((before + 500))
step="judging"
kill -TERM "${pid[judge]}"
verdict=0
wait "${pid[judge]}" || verdict=$?
unset "pid[judge]"
cp "$folder/judge.log" "$folder/verdict.txt"
standstill=$(sed -nE 's/.*longest time without a change ([0-9.]+) s.*/\1/p' "$folder/verdict.txt")
[ -n "$standstill" ] || { cat "$folder/verdict.txt" >&2; fail "the judge did not come to a verdict"; }
echo "failover: for at most $standstill s nobody was told of a change"

if [ "$mode" = asynchronous ]; then
    cat "$folder/verdict.txt"
    [ "$verdict" -eq 1 ] || fail "the judge missed what was lost (exit status $verdict)"
    echo "failover: the control is caught: without synchronous replication acknowledged registrations are lost"
    exit
fi
[ "$verdict" -eq 0 ] || { cat "$folder/verdict.txt" >&2; fail "the judge found something (exit status $verdict)"; }
step="auditing"
"$server" audit >"$folder/audit.txt" 2>&1 || { cat "$folder/audit.txt" >&2; fail "the audit found something"; }
tail -n 25 "$folder/verdict.txt"
[ "$slowest" -le $((seconds_max * 10)) ] || fail "writes were not back within $seconds_max s"
echo "failover: killed $rounds times, nothing lost, in $SECONDS s"
