#!/bin/sh
# How fast the hub is, beside others on the same work in the same run: sh tests/bench/run.sh [SECONDS_A_MEASUREMENT]
# Builds the release if need be, prints a table. Give it a quiet machine; ratios hold elsewhere, absolute numbers do not.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
. "$here/configs/packages.sh"
# shellcheck disable=SC2086 # a list of packages
install_packages $packages_build python3 socat
cmake -S "$here" --preset release -DSTANDPIPE_TESTS=OFF >/dev/null
cmake --build "$here/build/release" >/dev/null
mkdir -p "$here/build/bench"
cc -O2 -pthread -o "$here/build/bench/load" "$here/tests/bench/load.c"
exec python3 "$here/tests/bench/bench.py" "$here/build/release/bin/standpipe" "$here/build/bench/load" "${1:-1}"
