// SPDX-License-Identifier: Apache-2.0
#include "plugin/trial.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

using standpipe::plugin::fault_in_child;
using namespace std::chrono_literals;

TEST_CASE("what comes back, or throws, is no fault") {
  CHECK_FALSE(fault_in_child([] {}));
  CHECK_FALSE(fault_in_child([] { throw std::runtime_error("refused"); }));
}

TEST_CASE("how a process ended is reported") {
  CHECK(fault_in_child([] { (void)std::raise(SIGSEGV); }) == "crashed (SIGSEGV)");
  CHECK(fault_in_child([] { std::abort(); }) == "crashed (SIGABRT)");
  CHECK(fault_in_child([] { ::_exit(0); }) == "ended the process (exit 0)");
  CHECK(fault_in_child([] { ::_exit(97); }) == "ended the process (exit 97)");
}

TEST_CASE("what does not come back is ended") {
  CHECK(fault_in_child([] { ::pause(); }, 100ms) == "did not come back within 100ms");
}
