#!/usr/bin/env bash
# Checks everything: format, lints, documentation, the types of the pages, all tests on both stores and in a
# browser, the description of the API, the container's files, and licences. From a clean clone, in any folder, as
# root or as anybody.
#
#   scripts/test.sh         everything but what takes minutes by itself
#   scripts/test.sh fast    within a minute once all is built: format, lints, unit tests, the domain, the cases
#                           of a store in memory and on SQLite, and the API on SQLite. A few of these want PostgreSQL's
#                           programs; what else is named below it does not look for, and installs nothing
#   scripts/test.sh long    everything, and what takes minutes by itself: the storms, the judge under every
#                           fault, every state of a small event, and failing over. What CI runs
#
# Needs Rust, a C compiler, PostgreSQL's server programs, HAProxy, nginx, Chromium, chromedriver, Node.js
# (18.19 or later), Python (3.11 or later) with venv, four packages of npm's: axe-core, which looks for what keeps
# people out of the pages, TypeScript and Biome, which look through their code, and standardwebhooks, by which
# receivers check what is sent to them; and those of PyPI's in scripts/python/requirements.txt. Besides,
# scripts/check-api.sh fetches packages of npm's by itself. On Debian it installs what is missing, except Rust, if it
# may (as root, or by sudo without a password); npm's and PyPI's packages it fetches once, into the build's folder.
# PG_BIN, HAPROXY, NGINX, CHROME, CHROMEDRIVER, NODE, PYTHON, AXE_CORE (a path to axe.min.js), TSC (a path to
# tsc.js) and BIOME name others than those it would find.
#
# Nothing is skipped: a part that is missing is a failure. Only cargo-deny, cargo-cyclonedx, and what
# scripts/failover.sh needs may be absent.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/parts.sh

what=${1:-all}
case "$#$what" in
    0all | 1fast | 1long) ;;
    *) sed -n '2,/^$/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac

step="looking for what the tests need"
beside=
close() {
    local status=$?
    [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
    local took="$((SECONDS / 60)) min $((SECONDS % 60)) s"
    if [ "$status" -eq 0 ]; then
        echo "== passed: $what, in $took"
    else
        echo "== FAILED: $step, after $took (exit status $status)" >&2
    fi
}
trap close EXIT
# Else Bash would call close with the status of what ran last.
trap 'exit 130' INT
trap 'exit 143' TERM

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
find_node() { command -v "${NODE:-node}" || { [ -z "${NODE:-}" ] && command -v nodejs; } || true; }

# What npm has: each package in a folder of its version, in the build's folder.
target=${CARGO_TARGET_DIR:-target}
# The tests name the version, and look in the same folder.
axe_version=$(sed -nE 's/^const AXE_VERSION: &str = "([0-9.]+)";/\1/p' crates/booking-http/tests/pages/axe.rs)
axe_folder=$target/axe-core/$axe_version
typescript_version=6.0.3
typescript_folder=$target/typescript/$typescript_version
biome_version=2.6.8
biome_folder=$target/biome/$biome_version
# The tests name the version, and look in the same folder.
webhooks_version=$(sed -nE 's/^const NPM_VERSION: &str = "([0-9.]+)";/\1/p' crates/booking-delivery/tests/webhook_receivers.rs)
webhooks_folder=$target/standardwebhooks/$webhooks_version
python_folder=$target/python
# The path of a file, if there is one: of the first that is named.
find_file() {
    local path=${1:-$2}
    [ ! -s "$path" ] || echo "$(cd "$(dirname "$path")" && pwd)/$(basename "$path")"
}
find_axe() { find_file "${AXE_CORE:-}" "$axe_folder/axe.min.js"; }
find_typescript() { find_file "${TSC:-}" "$typescript_folder/lib/tsc.js"; }
find_biome() { find_file "${BIOME:-}" "$biome_folder/biome"; }
# The package with Biome's program for this machine. That for musl is linked statically, and runs on any Linux.
biome_package() {
    case "$(uname -s) $(uname -m)" in
        "Linux x86_64") echo @biomejs/cli-linux-x64-musl ;;
        "Linux aarch64" | "Linux arm64") echo @biomejs/cli-linux-arm64-musl ;;
        "Darwin x86_64") echo @biomejs/cli-darwin-x64 ;;
        "Darwin arm64") echo @biomejs/cli-darwin-arm64 ;;
        *) fail "there is no Biome for $(uname -s) on $(uname -m) that this script knows of: set BIOME to the program" ;;
    esac
}
# Fetches what is named of a package into a folder: fetch_package VARIABLE PACKAGE VERSION FOLDER FILE...
fetch_package() {
    local variable=$1 package=$2 version=$3 folder=$4
    shift 4
    has npm ||
        fail "there is no $package in $folder, and no npm to fetch it. Debian: apt-get install npm; macOS: brew install node; elsewhere set $variable"
    echo "-- fetching: $package $version, by npm"
    local parts=$folder.parts
    rm -rf "$parts" "$folder"
    mkdir -p "$parts"
    # In its own folder, so that nothing is left in a home folder. npm may name the archive as it likes.
    npm pack "$package@$version" --pack-destination "$parts" --cache "$parts/cache" --silent >/dev/null &&
        tar -xzf "$parts"/*.tgz -C "$parts" "${@/#/package/}" &&
        mv "$parts/package" "$folder" ||
        fail "npm could not fetch $package $version: is there a network, and does its registry answer? Else set $variable"
    rm -rf "$parts"
}

# Fetches standardwebhooks with the two packages that it needs: what npm pack has is without them.
fetch_webhooks() {
    local parts=$webhooks_folder.parts
    has npm ||
        fail "there is no standardwebhooks in $webhooks_folder, and no npm to fetch it. Debian: apt-get install npm; macOS: brew install node"
    echo "-- fetching: standardwebhooks $webhooks_version, by npm"
    rm -rf "$parts" "$webhooks_folder"
    mkdir -p "$parts"
    npm install --prefix "$parts" --cache "$parts/cache" --no-save --ignore-scripts --no-audit --no-fund --silent \
        "standardwebhooks@$webhooks_version" @stablelib/base64@1.0.1 fast-sha256@1.3.0 >/dev/null &&
        rm -rf "$parts/cache" && mv "$parts" "$webhooks_folder" ||
        fail "npm could not fetch standardwebhooks $webhooks_version: is there a network, and does its registry answer?"
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

run() {
    step=$1
    shift
    echo "== $step"
    "$@"
}
lint() {
    run "format" cargo fmt --all --check
    run "lints" cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
}
# All of them are for the whole workspace, whichever they run: with fewer crates Cargo would rebuild others.
tests=(cargo test --workspace --all-features --locked --no-fail-fast)
# Most of them mostly wait: for servers, databases and browsers to start, and for timeouts.
cores=$(getconf _NPROCESSORS_ONLN)

# Runs what `apart` has, arguments of Cargo, one after the other: all of them, also when one fails.
apart=()
run_apart() {
    local failed=0 each running=
    trap 'kill "$running" 2>/dev/null; exit 143' TERM
    for each in "${apart[@]}"; do
        # Words of our own, without spaces in them.
        # shellcheck disable=SC2086
        "${tests[@]}" $each &
        running=$!
        wait "$running" || failed=$?
    done
    return "$failed"
}
# Runs what is apart beside other tests: run_both NAME ARGUMENTS OF CARGO FOR THE OTHERS...
# All have been built, since one Cargo waits while another builds. What is apart is shown last. It ends the script.
run_both() {
    local name=$1 log=$target/beside.log failed=0
    shift
    run_apart >"$log" 2>&1 &
    beside=$!
    run "tests" env RUST_TEST_THREADS="${RUST_TEST_THREADS:-$threads}" "${tests[@]}" "$@" || failed=$?
    step="$name, beside the other tests"
    wait "$beside" || failed=$?
    beside=
    echo "== $step" && cat "$log"
    step="tests"
    exit "$failed"
}
# Cargo's arguments for all tests but these, without the examples in documentation: all_tests_but NAME...
all_tests_but() {
    local path name
    echo --lib --bins
    for path in crates/*/tests/*.rs crates/*/tests/*/main.rs; do
        name=$(basename "${path%/main.rs}" .rs)
        [[ " $* " == *" $name "* ]] || echo "--test $name"
    done | sort -u
}

if [ "$what" = fast ]; then
    lint
    store="--test store --test ticket"
    quick=(--lib --test admission --test memory --test journal --test decide --test discreet --test model
        --test contract --test events --test life --test idempotency)
    # shellcheck disable=SC2086
    run "building the tests" "${tests[@]}" $store "${quick[@]}" --no-run
    threads=$((4 * cores))
    apart=("$store")
    run_both "the store in one file" "${quick[@]}" -- --skip postgres
fi

missing=()
[ -n "$(find_compiler)" ] || missing+=(gcc libc6-dev)
# No package would repair a variable with a wrong path.
[ -n "$(find_postgres)${PG_BIN:-}" ] || missing+=(postgresql)
[ -n "$(find_proxy HAPROXY haproxy)${HAPROXY:-}" ] || missing+=(haproxy)
[ -n "$(find_proxy NGINX nginx)${NGINX:-}" ] || missing+=(nginx)
# Without the sandbox's helper Chromium may refuse to run as an ordinary user.
[ -n "$(find_browser)${CHROME:-}" ] || missing+=(chromium chromium-sandbox)
[ -n "$(find_driver)${CHROMEDRIVER:-}" ] || missing+=(chromium-driver)
[ -n "$(find_node)${NODE:-}" ] || missing+=(nodejs)
if [ -z "${PYTHON:-}" ] && ! "$(find_python)" -c 'import ensurepip, venv' 2>/dev/null; then
    missing+=(python3 python3-venv)
fi
[ -n "$(find_axe)${AXE_CORE:-}" ] && [ -n "$(find_typescript)${TSC:-}" ] && [ -n "$(find_biome)${BIOME:-}" ] &&
    [ -d "$webhooks_folder" ] || has npm || missing+=(npm ca-certificates)
if [ ${#missing[@]} -gt 0 ] && may_install; then
    install "${missing[@]}"
fi

compiler=$(find_compiler)
postgres=$(find_postgres)
haproxy=$(find_proxy HAPROXY haproxy)
nginx=$(find_proxy NGINX nginx)
browser=$(find_browser)
driver=$(find_driver)
node=$(find_node)
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
[ -n "$node" ] ||
    fail "there is no Node.js${NODE:+ at $NODE}. Debian: apt-get install nodejs; macOS: brew install node; elsewhere set NODE to the program"
"$node" -e 'const [major, minor] = process.versions.node.split("."); process.exit(major * 100 + +minor >= 1819 ? 0 : 1)' ||
    fail "Node.js 18.19 or later is needed, and this is $("$node" --version) ($node): set NODE to another"
[ -n "$(find_axe)${AXE_CORE:-}" ] || fetch_package AXE_CORE axe-core "$axe_version" "$axe_folder" axe.min.js LICENSE
[ -n "$(find_typescript)${TSC:-}" ] ||
    fetch_package TSC typescript "$typescript_version" "$typescript_folder" package.json LICENSE.txt lib
if [ -z "$(find_biome)${BIOME:-}" ]; then
    biome_package=$(biome_package)
    fetch_package BIOME "$biome_package" "$biome_version" "$biome_folder" biome
fi
[ -d "$webhooks_folder" ] || fetch_webhooks
python_venv "$python_folder"
axe=$(find_axe)
typescript=$(find_typescript)
biome=$(find_biome)
[ -n "$axe" ] || fail "there is no axe-core at ${AXE_CORE:-$axe_folder/axe.min.js}"
[ -n "$typescript" ] || fail "there is no TypeScript at ${TSC:-$typescript_folder/lib/tsc.js}"
[ -n "$biome" ] || fail "there is no Biome at ${BIOME:-$biome_folder/biome}"
# So that what is printed here is what the tests use.
export PG_BIN=$postgres HAPROXY=$haproxy NGINX=$nginx CHROME=$browser CHROMEDRIVER=$driver AXE_CORE=$axe NODE=$node

echo "== found"
echo "   $(rustc --version); $(cargo --version)"
echo "   $("$compiler" --version | head -1) ($compiler)"
echo "   $("$postgres/postgres" --version) ($postgres)"
echo "   $("$haproxy" -v | head -1) ($haproxy)"
echo "   $("$nginx" -v 2>&1 | head -1) ($nginx)"
echo "   $("$browser" --version 2>/dev/null | head -1) ($browser)"
echo "   $("$driver" --version | head -1) ($driver)"
echo "   Node.js $("$node" --version) ($node)"
echo "   $("$python_folder/bin/python" --version) ($python_folder)"
echo "   axe-core ($axe)"
echo "   TypeScript $("$node" "$typescript" --version) ($typescript)"
echo "   Biome $("$biome" --version) ($biome)"
echo "   running as $(id -un), building in ${CARGO_TARGET_DIR:-target}"

# Each library as a package, which has in it what its folder only links to: migrations, pages, the licence. What
# is packaged is not published, so no registry has what a lock file of it would name: there is none, and nothing
# is compiled. The manifests are checked all the same, and Cargo says what one lacks.
package_crates() {
    local version link crate name packed there
    version=$(sed -nE 's/^version = "([0-9.]+)"/\1/p' Cargo.toml | head -1)
    cargo package --workspace --exclude booking-bench --exclude booking-fuzz \
        --no-verify --exclude-lockfile --offline --locked --allow-dirty
    while read -r link; do
        crate=$(basename "$(dirname "$link")")
        name=$(basename "$link")
        packed=$(tar -tzf "$target/package/$crate-$version.crate" | grep -cE "^$crate-$version/$name(/|\$)" || true)
        there=$(find -L "$link" -type f | wc -l)
        [ "$packed" -eq "$there" ] || fail "the package of $crate has $packed of the $there files of $name"
    done < <(find crates -type l | sort)
}

lint
run "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features --locked
units=crates/booking-http/tests/pages/units
for config in scripts/pages/tsconfig*.json; do
    run "types of the pages: $(basename "$config")" "$node" "$typescript" --project "$config"
done
run "lints of the pages" "$biome" lint --config-path=scripts/pages/biome.jsonc --error-on-warnings static "$units"
# Without it an older Node.js takes each of the pages' modules for one of its own kind. A newer one sees what
# they are, and no longer knows it.
modules=--experimental-default-type=module
"$node" "$modules" -e "" 2>/dev/null || modules=
run "units of the pages" env LC_ALL=C "$node" ${modules:+"$modules"} --test --test-reporter=spec "$units"/*.test.mjs
run "container files" scripts/check-docker.sh
run "packages" package_crates
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

run "building the tests" "${tests[@]}" --no-run
# With the program that was built for them.
run "the description of the API" env NODE="$node" scripts/check-api.sh
threads=$((2 * cores))
if [ "$what" = long ]; then
    run "every state of a small event" "${tests[@]}" --test model -- --ignored
    # By itself, since it takes all of the machine for a minute and its parts watch each other by the clock.
    if has patroni && has etcd && PATH=$PATH:/usr/sbin has haproxy; then
        run "failing over" env FAILOVER_PROGRAMS="$target/debug" scripts/failover.sh --rounds 1
    else
        echo "== failing over: not tried, as Patroni, etcd or HAProxy is not installed (scripts/failover.sh installs them)"
    fi
    # The storms wait a minute for ten thousand holds to end, and the judge for faults to be noticed.
    apart=("--test storms --test judge")
    run_both "the storms and the judge" -- --skip apart_
fi
# Both stores under load, with kills of server and database, and a broken store, which has to be caught. And half of
# the others: those that wait the most, for browsers, proxies, receivers and clocks.
waiting=(pages webhooks live proxies browsers)
apart=("--test judge -- apart_calm apart_kills a_store_without_its_lock"
    "${waiting[*]/#/--test } -- --test-threads ${RUST_TEST_THREADS:-$threads}" "--doc")
# shellcheck disable=SC2046
run_both "the judge, and the tests that wait the most" $(all_tests_but "${waiting[@]}") -- --skip apart_
