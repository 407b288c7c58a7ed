#!/usr/bin/env bash
# The long version of what the tests show in seconds: a million requests to each store, servers and
# postmaster killed twenty times each in the middle of it, a tenth of all commits cut, and before that
# scripts/failover.sh and its control, which take some four minutes; every answer judged. Everything is set
# up here and taken down again.
#
#   scripts/soak.sh MINUTES
#
# MINUTES is what it may take at least: a million requests to each store come first, and the faults share
# what is left, at least a minute each. It prints what it found, and ends with 1 if any rule was broken.
# The histories, some 400 MB for a million requests, stay in the build's folder under soak/; judge one
# again with `booking-load judge --check FILE`. SOAK_OPERATIONS asks for fewer requests. In the end a million facts
# go out to three webhooks while servers, postmaster and receivers are killed forty times: DELIVERIES_FACTS and
# DELIVERIES_KILLS ask for fewer. Then come a million requests to eight cells on two PostgreSQL, of which one moves to and
# fro while who moves it is killed and one PostgreSQL too; and to a store in one file of 100,000 registrations that
# moves to PostgreSQL, whose mover is killed 20 times. MOVES_OPERATIONS asks for fewer.
#
# Needs Rust, a C compiler and PostgreSQL (Debian: apt-get install postgresql), and what
# scripts/failover.sh needs.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
minutes=${1:-}
[[ "$minutes" =~ ^[1-9][0-9]*$ ]] || { sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

cargo build --release --locked -p booking-http -p booking-load
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/soak"
export SOAK_MINUTES=$minutes
export SOAK_OPERATIONS=${SOAK_OPERATIONS:-1000000}
SOAK_FOLDER=$(cd "$target/soak" && pwd)
SOAK_SERVER=$(cd "$target/release" && pwd)/booking-http
export SOAK_FOLDER SOAK_SERVER
status=0
# First, so that a missing program is reported at once.
export FAILOVER_PROGRAMS=$target/release
scripts/failover.sh --rounds 4 || status=$?
scripts/failover.sh --asynchronous || status=$?
cargo test --release --locked -p booking-http --test judge -- --ignored --exact soak::soak --nocapture || status=$?
export DELIVERIES_FACTS=${DELIVERIES_FACTS:-1000000}
export DELIVERIES_KILLS=${DELIVERIES_KILLS:-40}
cargo test --release --locked -p booking-http --test judge -- --ignored --exact \
    apart_deliveries::many_facts_and_many_kills_lose_no_message --nocapture || status=$?
export MOVES_OPERATIONS=${MOVES_OPERATIONS:-1000000}
cargo test --release --locked -p booking-http --test judge -- --include-ignored --exact \
    apart_cell_moves::a_cell_that_moves_between_databases_in_a_sale_loses_nothing \
    apart_moves::a_store_of_many_that_moves_to_postgres_in_a_sale_loses_nothing --nocapture || status=$?
exit "$status"
