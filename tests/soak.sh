#!/bin/sh
# One hub under everything at once: steady writers, garbage, writers and readers that die, a worker that is killed, a plugin that
# crashes and one that is slow. Prints what the hub uses, first and last; ends with a count. BIN is the program.
#
#   sh tests/soak.sh [MINUTES]     10, if not said
set -eu
cd "$(dirname "$0")/.."
exec python3 tests/crash/soak.py --bin "${BIN:-build/test/bin/standpipe}" --minutes "${1:-10}"
