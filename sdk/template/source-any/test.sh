#!/bin/sh
# Tests of the source, without a hub: what it brings, and where it goes on.
set -eu
cd "$(dirname "$0")"

expect() {
  [ "$2" = "$3" ] || { printf 'FAIL  %s\n  got       %s\n  expected  %s\n' "$1" "$2" "$3"; exit 1; }
  printf 'PASS  %s\n' "$1"
}

# What the hub says at the start: go on at this place.
resume() { printf 'resume %d\n%s' "${#1}" "$1"; }

expect "it brings a number, and says where to go on" "$(resume "" | ./PLUGIN_NAME.sh)" "standpipe 1
emit 8 0 1
2number 1"
expect "it brings the next one after a while" "$({ resume ""; sleep 2; } | ./PLUGIN_NAME.sh "" 0.1 | head -c 38)" "standpipe 1
emit 1 0 1
21emit 1 0 1
32"
expect "it goes on where it was" "$(resume 7 | ./PLUGIN_NAME.sh "")" "standpipe 1
emit 1 0 1
87"
expect "it refuses a place of another" "$(resume "page two" | ./PLUGIN_NAME.sh)" "standpipe 1
fatal its place in the hub's state is no number: it was another program's"
