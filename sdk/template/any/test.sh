#!/bin/sh
# Tests of the handler, without a hub: what it answers to which messages, and what it says.
set -eu
cd "$(dirname "$0")"

expect() {
  [ "$2" = "$3" ] || { printf 'FAIL  %s\n  got       %s\n  expected  %s\n' "$1" "$2" "$3"; exit 1; }
  printf 'PASS  %s\n' "$1"
}

# "one", "three" and an empty message, as the hub writes them.
messages() { printf '\003\000\000\000one\005\000\000\000three\000\000\000\000'; }

expect "it answers for each message" "$(messages | ./PLUGIN_NAME.sh 2>/dev/null)" "standpipe 1
delivered
delivered
reject 1 it is empty"
expect "it says how long each message is" "$(messages | ./PLUGIN_NAME.sh "length: " 2>&1 >/dev/null)" "length: 3 bytes
length: 5 bytes"
