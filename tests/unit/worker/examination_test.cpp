// SPDX-License-Identifier: Apache-2.0
#include "worker/examination.h"

#include <poll.h>

#include <catch2/catch.hpp>
#include <string>

#include "base/failure.h"

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Examination;

namespace {

// What the program is told stands in $1: "FOUND,RUNNING".
constexpr auto kCopies = "cat /proc/self/fd/${1#*,} > /proc/self/fd/${1%,*}";

class Kit {
 public:
  Examination examine(const std::string& script) {
    return {program_, {"sh", "-c", script, "--", "ignored"}, file_.get(), 1s};
  }
  static bool ends(const Examination& examination) {
    pollfd readable{examination.fd(), POLLIN, 0};
    return ::poll(&readable, 1, 10'000) == 1;
  }

 private:
  const keeper::Program program_{"/bin/sh"};
  static Fd running() {
    Parts parts;
    parts.set("text", "what is in force");
    return parts.write("running");
  }
  Fd file_{running()};
};

}  // namespace

TEST_CASE("what a child found out is read when it has ended", "[pidfd]") {
  Kit kit;
  auto examination = kit.examine(kCopies);
  REQUIRE(Kit::ends(examination));
  CHECK(examination.result().text("text") == "what is in force");
  CHECK(examination.deadline() == 1s + Examination::kMost);
}

TEST_CASE("a child that ends without a word is reported with how it ended", "[pidfd]") {
  Kit kit;
  auto fails = kit.examine("exit 3");
  REQUIRE(Kit::ends(fails));
  CHECK_THROWS_WITH(fails.result(), Catch::Contains("ended without a word (status 3)"));
  auto dies = kit.examine("kill -KILL $$");
  REQUIRE(Kit::ends(dies));
  CHECK_THROWS_WITH(dies.result(), Catch::Contains("(SIGKILL)"));
}

TEST_CASE("a child that died while it wrote has found nothing", "[pidfd]") {
  Kit kit;
  auto examination = kit.examine("printf 'text 5\\nhal' > /proc/self/fd/${1%,*}");
  REQUIRE(Kit::ends(examination));
  CHECK_THROWS_AS(examination.result(), Failure);
}

TEST_CASE("a child that does not end is ended when nobody wants to know any more", "[pidfd]") {
  Kit kit;
  const auto began = std::chrono::steady_clock::now();
  { const auto examination = kit.examine("sleep 60"); }
  CHECK(std::chrono::steady_clock::now() - began < 10s);
}
