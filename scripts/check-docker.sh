#!/usr/bin/env bash
# Checks what can be known about docker/ without building an image: that the files name each other,
# and what is in this repository, correctly. Called by scripts/test.sh.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

dockerfile=docker/Dockerfile
compose=docker/compose.yaml
sample=docker/booking.env.sample
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

# Whatever the sources of the program take in at build time is copied.
while read -r included; do
    folder=${included%%/*}
    grep -qE "^COPY .*\b$folder\b" "$dockerfile" || fail "the sources include $included, which $dockerfile does not copy"
done < <(grep -rhoE 'include(_str|_bytes)?!\("(\.\./){3,}[^"]+|embed_migrations!\("[^"]+' crates/*/src |
    grep -v 'README.md' | sed -E 's/.*"(\.\.\/)+//' | sort -u)

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

# The compose file is where .env says, and names the Dockerfile relative to its own folder.
grep -qx "COMPOSE_FILE=$compose" .env || fail ".env does not name $compose"
context=$(sed -nE 's/^ +context: //p' "$compose")
named=$(sed -nE 's/^ +dockerfile: //p' "$compose")
[ "$(realpath "docker/$context/$named")" = "$(realpath "$dockerfile")" ] ||
    fail "$compose builds $context/$named, which is not $dockerfile"

# Every variable that the compose file hands to a shell is in the sample, and every key of the sample
# is a setting of the program.
for name in $(grep -oE '\$\$[A-Z_]+' "$compose" | tr -d '$' | sort -u); do
    grep -q "^$name=" "$sample" || fail "$compose uses $name, which $sample does not set"
done
for name in $(sed -nE 's/^#?([A-Z_]+)=.*/\1/p' "$sample"); do
    grep -rqF "\"$name\"" crates/booking-http/src || fail "$sample sets $name, which booking-http does not read"
done

# High availability: the image copies what is there, the services find each other, and the samples say
# all that is asked for.
ha=docker/compose.ha.yaml
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
for name in $(grep -oE '\$DB_[A-Z]+' docker/ha/booking-post-bootstrap | tr -d '$' | sort -u); do
    grep -q "^$name=" "$sample" || fail "docker/ha/booking-post-bootstrap uses $name, which $sample does not set"
done
for name in PATRONI_{SUPERUSER,REPLICATION,RESTAPI}_{USERNAME,PASSWORD}; do
    grep -q "^$name=" "$ha_sample" || fail "$ha_sample does not set $name"
done
[ "$(sed -nE 's/^ +TRUSTED_PROXIES: //p' "$ha")" = "$(sed -nE 's/^ +- subnet: //p' "$ha")" ] ||
    fail "the servers of $ha do not trust its network's proxy"
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
