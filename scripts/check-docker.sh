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

# The compose file as Compose itself reads it, or at least as YAML.
if command -v docker >/dev/null && docker compose version >/dev/null 2>&1; then
    docker compose config --quiet || fail "docker compose refuses $compose"
    read_by="docker compose"
elif command -v python3 >/dev/null && python3 -c 'import yaml' 2>/dev/null; then
    python3 -c 'import sys, yaml; yaml.safe_load(open(sys.argv[1]))' "$compose" || fail "$compose is not YAML"
    read_by="a YAML parser, since docker compose is not installed"
elif command -v ruby >/dev/null; then
    ruby -ryaml -e 'YAML.load(File.read(ARGV[0]), aliases: true)' "$compose" || fail "$compose is not YAML"
    read_by="a YAML parser, since docker compose is not installed"
else
    read_by="nothing, since neither docker compose nor a YAML parser is installed"
fi

if [ "$failures" -gt 0 ]; then
    echo "docker: $failures problems" >&2
    exit 1
fi
echo "docker: files agree with each other and with the sources; $compose was read by $read_by"
