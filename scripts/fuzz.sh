#!/usr/bin/env bash
# Fuzzes the parsers, guided by code coverage, until an invariant fails or the time is over.
#
#   scripts/fuzz.sh                  lists the targets
#   scripts/fuzz.sh TARGET MINUTES   one of them
#   scripts/fuzz.sh all MINUTES      each of them for so long, one after the other
#
# Needs Rust and a C++ compiler (CXX; Debian: g++). What was found interesting is kept in target/fuzz/corpus
# and where it starts from the next time; what breaks a target is written to target/fuzz/broken. Give such
# bytes to the target's seeds in crates/booking-http/src/fuzz, where the tests see them too.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$PWD/target/fuzz
# For this machine, named, so that build scripts are not instrumented too. These flags are stable ones, and
# what cargo-fuzz sets but for the sanitizer: there is no unsafe code here for it to watch.
host=$(rustc -vV | sed -n 's/^host: //p')
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions=yes -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
cargo build --quiet --release --locked -p booking-fuzz --target "$host" --target-dir "$folder"
program=$folder/$host/release/booking-fuzz

if [ $# -lt 2 ]; then
    exec "$program"
fi
targets=$1
[ "$targets" != all ] || targets=$("$program")
seconds=$(($2 * 60))
failed=()
for target in $targets; do
    corpus=$folder/corpus/$target
    broken=$folder/broken/$target
    mkdir -p "$corpus" "$broken"
    echo "== $target, for $2 min"
    # Longer than the longest body, so that limits are reached.
    BOOKING_FUZZ_TARGET=$target BOOKING_FUZZ_SEEDS=$corpus "$program" "$corpus" \
        -max_total_time="$seconds" -max_len=20000 -timeout=10 -artifact_prefix="$broken/" -print_final_stats=1 \
        2>"$folder/$target.log" || failed+=("$target")
    grep -E "^stat::number_of_executed_units|panicked|^SUMMARY|^Test unit" "$folder/$target.log" || tail -3 "$folder/$target.log"
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}; see $folder/broken and $folder/*.log" >&2
    exit 1
fi
