#!/usr/bin/env bash
# Tests Booking's statements on a Citus of your own: a schema is made, migrated and distributed as a whole, like a
# cell; every statement is prepared and run in it, and then every case that a store must pass, one after the other; and
# events are moved between such schemas and SQLite. As servers do, the tests connect to the machine that a schema lies
# on, which has to be reachable from here under the name by which the coordinator knows it.
#
#   DATABASE_URL=postgresql://user:password@coordinator:5432/database scripts/check-citus.sh [CASE…]
#
# The database is one for trying: schemas whose names begin with booking_check_ are dropped and made anew in it, and
# booking_check_citus stays afterwards. With cases only those whose names contain one of them run. It connects without
# TLS. In the end it says which statements and cases failed, and ends with 1; so it does if there is no Citus in the
# database.
#
# Needs Rust and a C compiler. How to set up a Citus: docker/OPERATING.md.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/parts.sh

[[ "${1:-}" != -* ]] && [ -n "${DATABASE_URL:-}" ] ||
    { sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2; }

check=(cargo test --locked -p booking-pg --test citus --)
move=(cargo test --locked -p booking-cells --test moving -- --ignored --test-threads 1 --skip a_large_event_is_frozen)
"${check[@]}" --ignored --exact there_is_a_citus --nocapture ||
    fail "that is no database with Citus, or it cannot be reached: see above"
status=0
"${check[@]}" --ignored --test-threads 1 every_statement_runs_in_a_cell || status=1
if [ $# -eq 0 ]; then
    "${check[@]}" --ignored --test-threads 1 --skip there_is_a_citus --skip every_statement_runs_in_a_cell || status=1
    "${move[@]}" _to_citus citus_to_ || status=1
else
    "${check[@]}" --ignored --test-threads 1 "$@" || status=1
    "${move[@]}" "$@" --skip sqlite_to_sqlite --skip postgres || status=1
fi
exit "$status"
