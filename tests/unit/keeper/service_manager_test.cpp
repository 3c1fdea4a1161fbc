// SPDX-License-Identifier: Apache-2.0
#include "keeper/service_manager.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "keeper/manager.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

struct StoppedClock final : Clock {
  Nanoseconds steady() const override { return 1500us; }
  Nanoseconds wall() const override { return 0ns; }
};

struct CountingReporter final : Reporter {
  void say(const Diagnostic& d) override { reported += d.code + ' '; }
  std::string reported;
};

// What the manager was told, all of it: "READY=1|STATUS=ready|".
struct Fixture {
  std::string heard() const {
    std::string all;
    for (std::string one; (one = manager.received()) != "nothing";) all += one + '|';
    return all;
  }
  test::TemporaryFolder folder;
  test::Manager manager{folder / "socket"};
  StoppedClock clock;
  CountingReporter reporter;
  keeper::ServiceManager to{clock, reporter};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the hub is ready once, however many workers are") {
  to.ready("2 sources");
  CHECK(heard() == "READY=1|STATUS=2 sources|");
  to.ready("");
  CHECK(heard() == "STATUS=ready|");
}

TEST_CASE_METHOD(Fixture, "a reload ends with READY, also where a worker died in it") {
  to.ready("");
  (void)heard();
  to.begin_reload();
  to.begin_reload();
  CHECK(heard() == "RELOADING=1\nMONOTONIC_USEC=1500|");
  to.ready("");
  CHECK(heard() == "READY=1|STATUS=ready|");
  to.end_reload();
  CHECK(heard().empty());
}

TEST_CASE_METHOD(Fixture, "a stop is told once, and why it comes is added") {
  CHECK_FALSE(to.knows_of_stop());
  to.stopping();
  CHECK(to.knows_of_stop());
  to.stopping();
  CHECK(heard() == "STOPPING=1|");
  to.stopping("no worker lives");
  CHECK(heard() == "STOPPING=1\nSTATUS=no worker lives|");
}

TEST_CASE_METHOD(Fixture, "what it wants to know beside is said as it is") {
  to.status("the worker died");
  to.alive();
  CHECK(heard() == "STATUS=the worker died|WATCHDOG=1|");
}

TEST_CASE_METHOD(Fixture, "a manager that cannot be told is reported once") {
  ::setenv("NOTIFY_SOCKET", "/nowhere/socket", 1);
  to.alive();
  to.alive();
  CHECK(reporter.reported == "notify ");
}
