#!/bin/sh
# Tests of the transform, without a hub: what it makes of which messages, and what it answers.
set -eu
cd "$(dirname "$0")"

expect() {
  [ "$2" = "$3" ] || { printf 'FAIL  %s\n  got       %s\n  expected  %s\n' "$1" "$2" "$3"; exit 1; }
  printf 'PASS  %s\n' "$1"
}

# "one", "two" and an empty message, as the hub writes them.
messages() { printf '\003\000\000\000one\003\000\000\000two\000\000\000\000'; }

expect "it makes one of each, and rejects what is empty" "$(messages | ./PLUGIN_NAME.sh)" "standpipe 1
emit 7
got onedelivered
emit 7
got twodelivered
reject 1 it is empty"
expect "the text before it is the first word" "$(messages | ./PLUGIN_NAME.sh "again: " | head -n 3)" "standpipe 1
emit 10
again: onedelivered"
