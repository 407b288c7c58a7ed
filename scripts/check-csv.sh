#!/usr/bin/env bash
# Has LibreOffice read the CSV corpus of registrations, and counts the cells that it would run: there must be none.
# Not a part of test.sh, since LibreOffice is large: apt-get install --no-install-recommends libreoffice-calc-nogui
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
CSV_CORPUS=$folder cargo test --quiet --workspace --all-features --locked --lib -- \
    --ignored --exact api::csv::tests::a_spreadsheet_gets_the_corpus >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

# Separators by their codes, quotes, UTF-8, from the first line on; the cells are taken for whatever they look like (see
# "Filter Options for CSV" in LibreOffice's help), and formulas for formulas.
live() { # FILE SEPARATORS
    local name=$1-${2//\//_}
    mkdir -p "$folder/$name"
    soffice --headless "-env:UserInstallation=file://$folder/profile" \
        --infilter="CSV:$2,34,76,1,,0,false,true,false,false,false,-1,true" \
        --convert-to fods --outdir "$folder/$name" "$folder/$1.csv" >"$folder/log" 2>&1 || true
    [ -s "$folder/$name/$1.fods" ] || { cat "$folder/log" >&2; exit 1; }
    python3 - "$folder/$name/$1.fods" <<'PYTHON'
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
cells = len(re.findall(r"<table:table-cell[ >]", text))
print(cells, len(re.findall(r"table:formula=", text)))
PYTHON
}

failed=0
# Those that its dialog names (comma, semicolon, tab, space), others that people choose (bar, colon), and several at once.
for separators in 44 59 9 32 124 58 44/59 44/59/9/124 44/59/9/32/124/58; do
    read -r cells formulas < <(live sent "$separators")
    read -r _ control < <(live bare "$separators")
    echo "separators $separators: $formulas live of $cells cells; $control without the guards"
    [ "$formulas" = 0 ] || failed=1
    [ "$control" -gt 0 ] || { echo "the negative control found none: nothing was looked at"; failed=1; }
done
exit $failed
