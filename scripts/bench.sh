#!/usr/bin/env bash
# Measures Booking on this machine beside the yardsticks: a throwaway PostgreSQL, the servers and the
# load generator, all set up and taken down here. What it measures and how to read it:
# crates/booking-bench/README.md.
#
#   scripts/bench.sh [--quick] [--only NAME…] [--rounds N] [--seconds S] [--out FOLDER]
#   scripts/bench.sh --overload | --growth | --desk [--people N]
#
# Needs Rust, a C compiler and PostgreSQL with pgbench (Debian: apt-get install postgresql). The SQLite
# files and PostgreSQL's are on the disk of this folder and of TMPDIR; let that be a real one.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --locked -p booking-http -p booking-bench --features booking-http/bench
exec "${CARGO_TARGET_DIR:-target}/release/booking-bench" "$@"
