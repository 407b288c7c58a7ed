#!/usr/bin/env bash
# Checks everything: format, lints, documentation, all tests on both stores and in a browser, the
# container's files, and licences. From a clean clone, in any folder, as root or as anybody.
#
#   scripts/test.sh
#
# Needs Rust, a C compiler, PostgreSQL's server programs, HAProxy, nginx, Chromium, chromedriver, and
# axe-core, which looks for what keeps people out of the pages. On Debian it installs what is missing,
# except Rust, if it may (as root, or by sudo without a password); axe-core it fetches by npm, once, into
# the build's folder. PG_BIN, HAPROXY, NGINX, CHROME, CHROMEDRIVER and AXE_CORE (a path to axe.min.js) name
# others than those it would find.
#
# Nothing is skipped: a part that is missing is a failure. Only cargo-deny, cargo-cyclonedx, and what
# scripts/failover.sh needs may be absent.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/parts.sh

step="looking for what the tests need"
beside=
close() {
    local status=$?
    [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
    local took="$((SECONDS / 60)) min $((SECONDS % 60)) s"
    if [ "$status" -eq 0 ]; then
        echo "== passed: everything, in $took"
    else
        echo "== FAILED: $step, after $took (exit status $status)" >&2
    fi
}
trap close EXIT

# What each part is, or nothing.
find_compiler() { command -v "${CC:-cc}" || command -v gcc || command -v clang || true; }
find_browser() {
    local path
    if [ -n "${CHROME:-}" ]; then
        command -v "$CHROME" || true
        return
    fi
    for path in chromium chromium-browser google-chrome chrome \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
        if has "$path"; then
            command -v "$path"
            return
        fi
    done
}
# A proxy, which Debian keeps out of the way of ordinary users. Its variable, and its name.
find_proxy() {
    local named=${!1:-} path
    if [ -n "$named" ]; then
        command -v "$named" || true
        return
    fi
    for path in "$2" "/usr/sbin/$2" "/usr/local/sbin/$2"; do
        if has "$path"; then
            command -v "$path"
            return
        fi
    done
}
find_driver() { command -v "${CHROMEDRIVER:-chromedriver}" || true; }
# Its script as one file. The tests name the version, and look in the same folder.
target=${CARGO_TARGET_DIR:-target}
axe_version=$(sed -nE 's/^const AXE_VERSION: &str = "([0-9.]+)";/\1/p' crates/booking-http/tests/pages/axe.rs)
axe_folder=$target/axe-core/$axe_version
find_axe() {
    local path=${AXE_CORE:-$axe_folder/axe.min.js}
    [ ! -s "$path" ] || echo "$(cd "$(dirname "$path")" && pwd)/$(basename "$path")"
}
fetch_axe() {
    echo "-- fetching: axe-core $axe_version, by npm"
    local parts=$axe_folder.parts
    rm -rf "$parts"
    mkdir -p "$parts" "$axe_folder"
    # In its own folder, so that nothing is left in anybody's home. What npm calls the archive is its
    # own affair.
    npm pack "axe-core@$axe_version" --pack-destination "$parts" --cache "$parts/cache" --silent >/dev/null &&
        tar -xzf "$parts"/*.tgz -C "$parts" package/axe.min.js package/LICENSE &&
        mv "$parts/package/LICENSE" "$parts/package/axe.min.js" "$axe_folder" ||
        fail "npm could not fetch axe-core $axe_version: is there a network, and does its registry answer? Else set AXE_CORE to the path of an axe.min.js"
    rm -rf "$parts"
}

# Rust first: it is the one part that is never installed for anyone.
if ! has cargo && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
fi
has cargo || fail "there is no cargo: install Rust with rustup, as https://rustup.rs says"
cargo --version >/dev/null || fail "cargo does not run: does rustup have a default toolchain?"
cargo fmt --version >/dev/null 2>&1 || fail "there is no rustfmt: rustup component add rustfmt"
cargo clippy --version >/dev/null 2>&1 || fail "there is no clippy: rustup component add clippy"
wanted=$(sed -nE 's/^rust-version = "([0-9.]+)"/\1/p' Cargo.toml)
rust=$(rustc --version | awk '{ print $2 }')
[ "$(printf '%s\n' "$wanted" "$rust" | sort -V | head -1)" = "$wanted" ] ||
    fail "Rust $wanted or later is needed, and this is $rust: rustup update"

for folder in "${CARGO_HOME:-$HOME/.cargo}" "${CARGO_TARGET_DIR:-target}" "${CARGO_TARGET_DIR:-target}/debug"; do
    mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ] ||
        fail "$(id -un) cannot write to $folder: make it $(id -un)'s, or set CARGO_HOME or CARGO_TARGET_DIR to another folder"
done

missing=()
[ -n "$(find_compiler)" ] || missing+=(gcc libc6-dev)
# What a variable names wrongly no package would mend.
[ -n "$(find_postgres)${PG_BIN:-}" ] || missing+=(postgresql)
[ -n "$(find_proxy HAPROXY haproxy)${HAPROXY:-}" ] || missing+=(haproxy)
[ -n "$(find_proxy NGINX nginx)${NGINX:-}" ] || missing+=(nginx)
# Without the sandbox's helper Chromium may refuse to run as an ordinary user.
[ -n "$(find_browser)${CHROME:-}" ] || missing+=(chromium chromium-sandbox)
[ -n "$(find_driver)${CHROMEDRIVER:-}" ] || missing+=(chromium-driver)
[ -n "$(find_axe)${AXE_CORE:-}" ] || has npm || missing+=(npm ca-certificates)
if [ ${#missing[@]} -gt 0 ] && may_install; then
    install "${missing[@]}"
fi

compiler=$(find_compiler)
postgres=$(find_postgres)
haproxy=$(find_proxy HAPROXY haproxy)
nginx=$(find_proxy NGINX nginx)
browser=$(find_browser)
driver=$(find_driver)
[ -n "$compiler" ] ||
    fail "there is no C compiler. Debian: apt-get install gcc libc6-dev; macOS: xcode-select --install"
[ -n "$postgres" ] ||
    fail "there is no PostgreSQL server in ${PG_BIN:-the folders of the PATH, of Debian or of Homebrew}. Debian: apt-get install postgresql; macOS: brew install postgresql@17; elsewhere set PG_BIN to the folder of initdb"
[ -n "$haproxy" ] ||
    fail "there is no HAProxy${HAPROXY:+ at $HAPROXY}. Debian: apt-get install haproxy; macOS: brew install haproxy; elsewhere set HAPROXY to the program"
[ -n "$nginx" ] ||
    fail "there is no nginx${NGINX:+ at $NGINX}. Debian: apt-get install nginx; macOS: brew install nginx; elsewhere set NGINX to the program"
[ -n "$browser" ] ||
    fail "there is no Chromium${CHROME:+ at $CHROME}. Debian: apt-get install chromium; macOS: brew install --cask google-chrome; elsewhere set CHROME to the program"
[ -n "$driver" ] ||
    fail "there is no chromedriver${CHROMEDRIVER:+ at $CHROMEDRIVER}. Debian: apt-get install chromium-driver; macOS: brew install --cask chromedriver; elsewhere set CHROMEDRIVER to the program"
if [ -z "$(find_axe)${AXE_CORE:-}" ]; then
    has npm ||
        fail "there is no axe-core in $axe_folder, and no npm to fetch it. Debian: apt-get install npm; macOS: brew install node; elsewhere set AXE_CORE to the path of an axe.min.js"
    fetch_axe
fi
axe=$(find_axe)
[ -n "$axe" ] || fail "there is no axe-core at ${AXE_CORE:-$axe_folder/axe.min.js}"
# So that what is printed here is what the tests use.
export PG_BIN=$postgres HAPROXY=$haproxy NGINX=$nginx CHROME=$browser CHROMEDRIVER=$driver AXE_CORE=$axe

echo "== found"
echo "   $(rustc --version); $(cargo --version)"
echo "   $("$compiler" --version | head -1) ($compiler)"
echo "   $("$postgres/postgres" --version) ($postgres)"
echo "   $("$haproxy" -v | head -1) ($haproxy)"
echo "   $("$nginx" -v 2>&1 | head -1) ($nginx)"
echo "   $("$browser" --version 2>/dev/null | head -1) ($browser)"
echo "   $("$driver" --version | head -1) ($driver)"
echo "   axe-core ($axe)"
echo "   running as $(id -un), building in ${CARGO_TARGET_DIR:-target}"

run() {
    step=$1
    shift
    echo "== $step"
    "$@"
}

run "format" cargo fmt --all --check
run "lints" cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
run "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked
run "container files" scripts/check-docker.sh
if has cargo-deny; then
    run "licences and sources" cargo deny --all-features --locked check --hide-inclusion-graph bans licenses sources
else
    echo "== licences and sources: not checked, as cargo-deny is not installed (cargo install cargo-deny)"
fi
if has cargo-cyclonedx; then
    run "bill of materials" scripts/sbom.sh
else
    echo "== bill of materials: not made, as cargo-cyclonedx is not installed (cargo install cargo-cyclonedx)"
fi

# The storms wait a minute for ten thousand holds to end, and the judge for faults to be noticed, so they
# run beside the other tests. All are built before, since one Cargo waits while another builds.
tests=(cargo test --workspace --all-features --locked)
run "building the tests" "${tests[@]}" --no-run
# By itself, since it takes all of the machine for a minute and its parts watch each other by the clock.
if has patroni && has etcd && PATH=$PATH:/usr/sbin has haproxy; then
    run "failing over" env FAILOVER_PROGRAMS="$target/debug" scripts/failover.sh --rounds 1
else
    echo "== failing over: not tried, as Patroni, etcd or HAProxy is not installed (scripts/failover.sh installs them)"
fi
beside_log=${CARGO_TARGET_DIR:-target}/beside.log
"${tests[@]}" --test storms --test judge >"$beside_log" 2>&1 &
beside=$!
others=0
run "tests" "${tests[@]}" -- --skip apart_ || others=$?
step="the storms and the judge, which ran beside the other tests"
wait "$beside" || { status=$? && cat "$beside_log" && exit "$status"; }
beside=
# Last, so that Cargo's own result lines end the output.
echo "== $step" && cat "$beside_log"
step="tests"
exit "$others"
