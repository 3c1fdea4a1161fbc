#!/bin/sh
# The unit tests of one build, a program a folder: sh tests/unit.sh BUILD_FOLDER [MOST_SECONDS [CATCH_TESTS [WRAPPER...]]]
# JOBS at a time; FOLDERS: only those. A program that takes longer than MOST_SECONDS has failed.
set -u
build=$1
most=${2:-120}
tests=${3:-~[none]}
shift $(($# < 3 ? $# : 3))
[ $# -gt 0 ] || set -- env
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
export most tests results wrapper="$*"
# shellcheck disable=SC2016 # expanded by the inner shell; folders and the wrapper are words
for folder in ${FOLDERS:-$(cd "$build/bin" && echo unit_* | sed 's/unit_//g')}; do echo "$build/bin/unit_$folder"; done | xargs -P "${JOBS:-2}" -I{} sh -c '
  name=$(basename "$1")
  timeout -k 5 "$most" $wrapper "$1" "$tests" >"$results/$name.log" 2>&1 </dev/null
  echo $? >"$results/$name.code"' _ {}
for code in "$results"/*.code; do
  log="${code%.code}.log"
  if [ "$(cat "$code")" = 0 ]; then
    sed -nE 's/^All tests passed \([0-9]+ assertions? in ([0-9]+) test cases?\)$/\1 passed, 0 failed/p' "$log"
  else
    cat "$log"
    # Catch shows the name of a test that fails between two rules.
    awk -v program="$(basename "$log" .log)" '
      /^----------+$/ { inside = !inside; if (inside) name = ""; next }
      inside { name = name (name ? " " : "") $0 }
      /FAILED:$/ && name != shown { print "FAIL " program ": " name; shown = name }' "$log"
    echo "FAIL: $(basename "$log" .log), status $(cat "$code") (124: it took longer than $most s)"
    sed -nE 's/^test cases: [^|]*\| *([0-9]+) passed \| *([0-9]+) failed.*$/\1 passed, \2 failed/p' "$log" | grep . || echo "0 passed, 1 failed"
  fi
done >"$results/all"
cat "$results/all"
! grep -q '^FAIL:' "$results/all"
