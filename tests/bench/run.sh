#!/bin/sh
# How fast the hub is, beside others on the same work in the same run; prints tables, draws a picture. Installs what Debian packages
# of the rivals, builds the release if need be. Give it a quiet machine; ratios hold elsewhere, absolute numbers do not.
#
#   sh tests/bench/run.sh [SECONDS]                all of it, about 10 minutes
#   sh tests/bench/run.sh --quick                  a minute, without rivals
#   sh tests/bench/run.sh --bin OLD --bin NEW      two builds side by side; with --quick, --only 'Pass.*128 B', --rounds 9 ...
#   sh tests/bench/run.sh --smoke                  that the bench works; measures nothing, installs nothing, ends with a count
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
bench="$here/build/bench"
. "$here/configs/packages.sh"

case " $* " in
  *" --smoke "* | *" --help "* | *" -h "*) ;;
  *)
    # shellcheck disable=SC2086 # lists of packages
    install_packages $packages_build $packages_bench
    ;;
esac
case " $* " in
  *" --bin"*) ;;
  *)
    cmake -S "$here" --preset release -DBUILD_TESTING=OFF -DSTANDPIPE_BENCH=ON >/dev/null
    cmake --build "$here/build/release" >/dev/null
    set -- --bin "$here/build/release/bin/standpipe" "$@"
    ;;
esac

mkdir -p "$bench"
cc -O2 -pthread -o "$bench/load" "$here/tests/bench/load.c"
cc -O2 -o "$bench/program" "$here/tests/bench/program.c"
c++ -std=c++20 -O2 -shared -fPIC -fvisibility=hidden -isystem "$here/sdk/include" -Wl,--version-script="$here/sdk/plugin.map" \
  -Wl,-z,nodelete -o "$bench/counter.so" "$here/tests/bench/counter.cpp"
rm -f "$bench/zmq" "$bench/nng" "$bench/amqp"
[ ! -e /usr/include/zmq.h ] || cc -O2 -o "$bench/zmq" "$here/tests/bench/zmq.c" -lzmq
[ ! -e /usr/include/nng/nng.h ] || cc -O2 -o "$bench/nng" "$here/tests/bench/nng.c" -lnng
[ ! -e /usr/include/amqp.h ] || cc -O2 -o "$bench/amqp" "$here/tests/bench/amqp.c" -lrabbitmq
for plugin in each again taker maker wedged crasher; do
  c++ -std=c++20 -O2 -shared -fPIC -fvisibility=hidden -isystem "$here/sdk/include" -Wl,--version-script="$here/sdk/plugin.map" \
    -Wl,-z,nodelete -pthread -o "$bench/$plugin.so" "$here/tests/bench/$plugin.cpp"
done
exec python3 "$here/tests/bench/bench.py" --picture "$bench/bench.svg" "$@"
