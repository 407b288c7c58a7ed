#!/usr/bin/env bash
# Tests the description of the API (/openapi.json) from outside, against a server with a fresh SQLite file:
# Schemathesis sends whatever the description allows, and checks that the answers match it; and the clients that
# public generators make from it, in Python and in TypeScript, create an event, take a seat, read it and cancel it.
#
#   scripts/check-api.sh              with the program of target/debug
#   scripts/check-api.sh PROGRAM      with this one
#
# Needs Python (3.11 or later) with venv, Node.js (18.19 or later) and npm. On Debian it installs what is missing, if it
# may. It fetches once, into the build's folder, PyPI's packages in scripts/python/requirements.txt, which all tests
# share, and npm's in the versions below. PYTHON and NODE name others than those it would find.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/parts.sh

typescript_generator_version=7.13.0
fetch_version=0.17.0
# The generator asks for this one's generation.
typescript_version=5.9.3

# How much is tested: cases of each operation, and seconds for all of them.
examples_max=10
seconds_max=20
# The same cases in each run, as far as answers allow.
seed=1
# Not its other checks: that a deleted resource remains is intended (a cancelled registration), and texts are
# measured without surrounding white space, so that longer ones are accepted than described.
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
checks+=,response_schema_conformance,allow_header_conformance,ensure_resource_availability,ignored_auth

target=${CARGO_TARGET_DIR:-target}
program=${1:-$target/debug/booking-http}
[ -x "$program" ] || fail "there is no program at $program: cargo build"
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")

find_node() { command -v "${NODE:-node}" || { [ -z "${NODE:-}" ] && command -v nodejs; } || true; }

missing=()
if [ -z "${PYTHON:-}" ] && ! "$(find_python)" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3 python3-venv)
fi
[ -n "$(find_node)${NODE:-}" ] || missing+=(nodejs)
has npm || missing+=(npm ca-certificates)
if [ ${#missing[@]} -gt 0 ] && may_install; then
    install "${missing[@]}"
fi
has npm || fail "there is no npm. Debian: apt-get install npm; macOS: brew install node"
node=$(find_node)
[ -n "$node" ] || fail "there is no Node.js${NODE:+ at $NODE}. Debian: apt-get install nodejs; elsewhere set NODE to the program"

# The same as that of scripts/test.sh.
python_venv "$target/python"
programs=$(cd "$target/python/bin" && pwd)

# The versions of the packages are in the name of their folder: other versions are other folders. An incomplete
# folder is made again.
folder=$target/check-api/$typescript_generator_version-$fetch_version-$typescript_version
if [ ! -e "$folder/whole" ]; then
    echo "-- fetching: a generator of clients, by npm"
    rm -rf "$folder"
    mkdir -p "$folder/node"
    echo '{"private": true, "type": "module"}' >"$folder/node/package.json"
    # Nothing is left in a home folder.
    npm install --prefix "$folder/node" --cache "$folder/cache" --silent --no-fund --no-audit --no-package-lock \
        "openapi-typescript@$typescript_generator_version" "openapi-fetch@$fetch_version" \
        "typescript@$typescript_version" >/dev/null ||
        fail "npm could not fetch its packages: is there a network, and does its registry answer?"
    rm -rf "$folder/cache"
    touch "$folder/whole"
fi
folder=$(cd "$folder" && pwd)

# Below the packages, so that Node.js finds them from there.
work=$folder/node/work
rm -rf "$work"
mkdir -p "$work"
server=
close() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
}
trap close EXIT

export BOOKING_DB=$work/booking.db RUST_LOG=error
BOOKING_TOKEN=$("$program" token create --name "Jazz club" 2>/dev/null) || fail "the program makes no token"
export BOOKING_TOKEN
# There before it is looked into.
: >"$work/server.log"
PORT=0 "$program" >"$work/server.log" 2>&1 &
server=$!
BOOKING_URL=
for _ in $(seq 100); do
    BOOKING_URL=$(sed -n 's/^listening on //p' "$work/server.log")
    [ -z "$BOOKING_URL" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
done
[ -n "$BOOKING_URL" ] || fail "the server does not start: $(cat "$work/server.log")"
export BOOKING_URL
"$programs/python" - "$BOOKING_URL/openapi.json" "$work/openapi.json" <<'PYTHON'
import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=10) as answer, open(sys.argv[2], "wb") as file:
    file.write(answer.read())
PYTHON

echo "-- a client in Python"
(
    cd "$work"
    # Its own cleanup needs more programs.
    "$programs/openapi-python-client" generate --path openapi.json --output-path booking_client --meta none \
        >generating.log 2>&1 || fail "no client in Python can be made of the description: $(cat generating.log)"
)
PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1 "$programs/python" scripts/api/client.py

echo "-- a client in TypeScript"
cp scripts/api/client.ts scripts/api/tsconfig.json "$work/"
echo '{"private": true, "type": "module"}' >"$work/package.json"
(
    cd "$work"
    "$node" ../node_modules/openapi-typescript/bin/cli.js openapi.json --output booking.d.ts >generating.log 2>&1 ||
        fail "no client in TypeScript can be made of the description: $(cat generating.log)"
    "$node" ../node_modules/typescript/lib/tsc.js --project tsconfig.json
    "$node" made/client.js
)

echo "-- Schemathesis"
# Not endless answers, nor those that depend on other requests.
left_out='/(live|test|redeliver)$'
(
    cd "$work"
    "$programs/schemathesis" run openapi.json --url "$BOOKING_URL" \
        --header "Authorization: Bearer $BOOKING_TOKEN" --checks "$checks" \
        --exclude-path-regex "$left_out" --max-examples "$examples_max" --max-time "$seconds_max" --seed "$seed" \
        --request-timeout 10 --no-color \
        >schemathesis.log 2>&1 || fail "Schemathesis found something:
$(cat schemathesis.log)"
    sed -n 's/^Test cases:/&/p; s/^  [0-9]* generated.*/&/p' schemathesis.log
)
kill -0 "$server" 2>/dev/null || fail "the server has ended: $(cat "$work/server.log")"
