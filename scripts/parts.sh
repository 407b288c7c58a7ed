# What scripts/test.sh and scripts/failover.sh have in common: finding programs, installing Debian's packages
# where that is allowed, and Python's. To be sourced.

fail() {
    echo "error: $*" >&2
    exit 1
}

has() { command -v "$1" >/dev/null 2>&1; }

# The folder with initdb and postgres: as booking-testkit looks for it.
find_postgres() {
    local folder
    if [ -n "${PG_BIN:-}" ]; then
        [ ! -x "$PG_BIN/initdb" ] || echo "$PG_BIN"
    elif has initdb && has postgres; then
        dirname "$(command -v initdb)"
    else
        for folder in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
            /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin 2>/dev/null | sort -Vr); do
            if [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ]; then
                echo "$folder"
                return
            fi
        done
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}
may_install() {
    has apt-get && { [ "$(id -u)" -eq 0 ] || { has sudo && sudo -n true 2>/dev/null; }; }
}
# In a subshell, for its trap.
install() (
    echo "-- installing: $*"
    # Debian would create a database cluster and start services, and keep them running, which is not wanted. Where
    # there is a policy for services already, it is not ours to change.
    no_cluster=/etc/postgresql-common/createcluster.d/zz-no-main-cluster.conf
    no_services=/usr/sbin/policy-rc.d
    [ ! -e "$no_services" ] || no_services=
    trap 'as_root rm -f "$no_cluster" ${no_services:+"$no_services"}' EXIT
    as_root mkdir -p "$(dirname "$no_cluster")"
    echo "create_main_cluster = false" | as_root tee "$no_cluster" >/dev/null
    if [ -n "$no_services" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$no_services" >/dev/null
        as_root chmod 755 "$no_services"
    fi
    status=0
    as_root apt-get update --quiet=2 || status=$?
    [ "$status" -ne 0 ] || as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet=2 --no-install-recommends "$@" </dev/null || status=$?
    [ "$status" -eq 0 ] || fail "apt-get could not install: $*"
    # Nor at the next start of the machine.
    for package in "$@"; do
        case $package in
            etcd-server | haproxy | nginx | patroni) ! has systemctl ||
                as_root systemctl disable --quiet "${package%-server}" 2>/dev/null || true ;;
        esac
    done
)

find_python() { command -v "${PYTHON:-python3}" || true; }

# Makes a Python environment in a folder, of scripts/python/requirements.txt and nothing else, unless it is there
# already: python_venv FOLDER. Its program is FOLDER/bin/python.
python_venv() (
    folder=${1:?the folder of the environment}
    requirements=scripts/python/requirements.txt
    ! cmp -s "$requirements" "$folder/requirements.txt" || exit 0
    python=$(find_python)
    [ -n "$python" ] ||
        fail "there is no Python 3${PYTHON:+ at $PYTHON}. Debian: apt-get install python3 python3-venv; macOS: brew install python; elsewhere set PYTHON to the program"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "Python 3.11 or later is needed, and this is $("$python" --version) ($python): set PYTHON to another"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make environments. Debian: apt-get install python3-venv"
    echo "-- fetching: what $requirements names, by pip"
    rm -rf "$folder"
    # Without unlisted dependencies, and with nothing left in a home folder.
    "$python" -m venv "$folder" &&
        "$folder/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir install --no-deps -r "$requirements" ||
        fail "pip could not fetch what $requirements names: is there a network, and does its registry answer?"
    cp "$requirements" "$folder/requirements.txt"
)
