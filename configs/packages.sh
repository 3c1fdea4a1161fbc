# Debian 12 packages, all in one place; read by quickstart.sh, tests/run.sh and tests/bench/run.sh.

# To build and run the router and its plugins.
packages_build="g++ cmake make ninja-build libboost-dev libboost-filesystem-dev libboost-program-options-dev libyaml-cpp-dev libsimdjson-dev libre2-dev"
# To build and run the tests: a second compiler, its sanitizers and linters, a differ of ABIs, the test library, what watches processes, what draws graphs.
packages_test="clang clang-tidy clang-format libclang-rt-14-dev abigail-tools catch2 ccache python3 valgrind strace git python3-pip python3-jsonschema python3-yaml graphviz"
# To make packages and to try them in a bare root (tests/install); what is not there is skipped.
packages_install="debootstrap dpkg-dev lintian pkg-config man-db systemd zsh fish"
# What the bridges link; a build leaves out those whose library is not there.
packages_bridges="pkg-config librabbitmq-dev librdkafka-dev libnats-dev libcurl4-openssl-dev libzmq3-dev libnanomsg-dev"
# The servers that tests/bridges starts, and other programs that speak to them.
packages_servers="rabbitmq-server amqp-tools nats-server socat nanomsg-utils nng-utils python3-zmq kcat openjdk-17-jre-headless maven openssl"
# What tests/bench measures beside; each is left out where it is not there.
packages_bench="python3 socat libzmq3-dev libnng-dev syslog-ng-core nats-server mosquitto redis-server rabbitmq-server librabbitmq-dev"

is_installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# The same for packages_servers, but what cannot be installed is left out, and no service is started: Debian's packages of servers
# would, each on its usual port.
install_servers() {
  policy=/usr/sbin/policy-rc.d
  made=
  if [ ! -e $policy ] && [ "$(id -u)" = 0 ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && made=yes
  fi
  # shellcheck disable=SC2086 # a list of packages
  install_packages $packages_servers || for package in $packages_servers; do install_packages "$package" || echo "packages: without $package"; done
  # Debian has node and npm apart, others together.
  command -v npm >/dev/null 2>&1 || install_packages nodejs npm || echo "packages: without npm"
  [ -z "$made" ] || rm -f $policy
}

# Installs what is missing of the given packages; needs no network when nothing is.
install_packages() {
  missing=
  for package in "$@"; do
    is_installed "$package" || missing="$missing $package"
  done
  if [ -z "$missing" ]; then
    echo "packages: all there"
    return 0
  fi
  echo "packages: installing$missing"
  as_root=
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
      echo "error: these packages are missing, and only root may install them:$missing" >&2
      echo "  help: run this as root, or install sudo, or have somebody run: apt-get install$missing" >&2
      return 1
    fi
    as_root=sudo
  fi
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
    echo "error: apt-get could not install:$missing" >&2
    echo "  help: is this Debian 12 with a working package source? try: apt-get install$missing" >&2
    return 1
  }
}
