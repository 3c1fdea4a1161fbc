#!/bin/sh
# Installs what is missing (Debian 12; as root or with sudo), builds Standpipe, and shows it at work.
# Run it from anywhere: sh configs/quickstart.sh
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$here/configs/packages.sh"

echo "1/3 packages"
install_packages $packages_build

echo "2/3 building (a minute or two the first time)"
build="$here/build/release"
mkdir -p "$build"
if ! { cmake -S "$here" --preset release -DBUILD_TESTING=OFF >"$build/configure.log" 2>&1; }; then
  cat "$build/configure.log" >&2
  echo "error: cmake failed; the log is $build/configure.log" >&2
  exit 1
fi
cmake --build "$build"

echo "3/3 standpipe demo"
exec "$build/bin/standpipe" demo
