#!/usr/bin/env bash
# Writes down what the program is made of: each package that is compiled into it, with version, licence,
# package URL and the SHA-256 of its source, as CycloneDX 1.5 in JSON.
#
#   scripts/sbom.sh [FILE]    target/booking.cdx.json, if no file is named
#
# Needs cargo-cyclonedx (cargo install cargo-cyclonedx), and no network. C code is part of the package that
# brings it: SQLite of libsqlite3-sys, the allocator of libmimalloc-sys.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
file=${1:-target/booking.cdx.json}
fail() {
    echo "error: $*" >&2
    exit 1
}
cargo cyclonedx --version >/dev/null 2>&1 ||
    fail "there is no cargo-cyclonedx: cargo install cargo-cyclonedx"

# It writes one file for each program of the workspace, beside its manifest.
name=booking-sbom-$$
trap 'rm -f crates/*/"$name".json' EXIT
host=$(rustc -vV | sed -n 's/^host: //p')
cargo cyclonedx --quiet --manifest-path crates/booking-http/Cargo.toml --target "$host" \
    --format json --spec-version 1.5 --no-build-deps --override-filename "$name"
mkdir -p "$(dirname "$file")"
# The build machine's paths are left out.
sed "s|path+file://$PWD/|path+file:///|" "crates/booking-http/$name.json" >"$file"

# It must contain what Cargo would compile, each package once, with all required fields of each.
missing=0
while read -r package version; do
    version=${version#v}
    count=$(grep -cE "\"purl\": \"pkg:cargo/$package@$version(\\?download_url=[^\"#]*)?\"" "$file" || true)
    if [ "$package" != booking-http ] && [ "$count" -ne 1 ]; then
        echo "error: $package $version is there $count times" >&2
        missing=$((missing + 1))
    fi
done < <(cargo tree --locked --package booking-http --edges normal --prefix none --target "$host" |
    sed 's/ (.*//' | sort -u)
[ "$missing" -eq 0 ] || fail "the SBOM is not complete"
components=$(grep -c '^      "type": "library"' "$file")
licences=$(grep -cE '^          "expression": |^            "(id|name)": ' "$file")
hashes=$(grep -c '"alg": "SHA-256"' "$file")
own=$(grep -c '"purl": "pkg:cargo/[^"]*download_url=file://\.\./' "$file")
[ "$licences" -ge "$components" ] || fail "$components packages, and $licences licences"
# Our own are not released packages, and have no checksum.
[ "$((hashes + own))" -eq "$components" ] || fail "$components packages, $own of them ours, and $hashes hashes"
grep -qE '"bomFormat": "CycloneDX"' "$file" && grep -qE '"specVersion": "1.5"' "$file" || fail "it is no CycloneDX 1.5"
! grep -q "$PWD" "$file" || fail "it tells where it was made"
echo "$file: $components packages"
