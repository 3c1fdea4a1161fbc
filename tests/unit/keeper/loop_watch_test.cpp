// SPDX-License-Identifier: Apache-2.0
#include "keeper/loop_watch.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

using namespace standpipe;
using namespace standpipe::keeper;
using namespace std::chrono_literals;

namespace {

// Samples whenever the watch wants to.
class Samples {
 public:
  std::array<state::Watch, 2> watches;
  Samples() {
    std::strcpy(watches[1].name, "slow");
    std::strcpy(watches[1].source, "in");
    std::strcpy(watches[1].what, "handle");
    watches[1].first = 1234;
    watches[1].messages = 2;
  }
  void begin() { ++watches[1].on_loop; }
  void end() { ++watches[1].on_loop; }
  void restart() { watch_.restart(watches); }
  // What is said in that time.
  std::vector<std::string> during(Nanoseconds time) {
    const auto until = now_ + time;
    std::vector<std::string> reported;
    for (now_ = std::max(now_, watch_.next_sample()); now_ <= until; now_ = watch_.next_sample())
      if (auto text = watch_.sample(watches, now_); !text.empty()) reported.push_back(text);
    now_ = until;
    return reported;
  }
  void sleep(Nanoseconds time) { now_ += time; }
  auto caller() const { return watch_.caller(const_cast<Samples*>(this)->watches); }

 private:
  LoopWatch watch_;
  Nanoseconds now_{1000s};
};

}  // namespace

TEST_CASE("a call that the loop waits for is reported with its handler and messages") {
  Samples samples;
  samples.begin();
  CHECK(samples.during(9s).empty());
  const auto reported = samples.during(6s);
  REQUIRE(reported.size() == 1);
  CHECK(reported[0] ==
        "handler slow: its plugin has been in one call of handle for 10s, with 2 messages of in "
        "from number 1,234 "
        "on; the worker's loop waits for it, and with it every source and every other handler");
}

TEST_CASE("a call that continues is reported ever more seldom") {
  Samples samples;
  samples.begin();
  CHECK(samples.during(100s).size() == 4);
  CHECK(samples.during(3600s).size() <= 9);
}

TEST_CASE("calls that follow each other are not reported") {
  Samples samples;
  for (int i = 0; i < 100; ++i) {
    samples.begin();
    CHECK(samples.during(9s).empty());
    samples.end();
  }
  CHECK(samples.during(100s).empty());
}

TEST_CASE("a machine that slept during a call adds one interval") {
  Samples samples;
  samples.begin();
  CHECK(samples.during(4s).empty());
  samples.sleep(1h);
  CHECK(samples.during(1s).empty());
}

TEST_CASE("the call that an earlier worker died in is nobody's") {
  Samples samples;
  samples.begin();
  CHECK(samples.caller() == 1);
  samples.restart();
  CHECK(samples.caller() == std::nullopt);
  CHECK(samples.during(100s).empty());
  samples.end();
  samples.begin();
  CHECK(samples.caller() == 1);
}

TEST_CASE("a call of another kind than handle names no messages") {
  Samples samples;
  std::strcpy(samples.watches[1].what, "open");
  samples.watches[1].messages = 0;
  samples.begin();
  const auto reported = samples.during(15s);
  REQUIRE(reported.size() == 1);
  CHECK(reported[0].starts_with(
      "handler slow: its plugin has been in one call of open for 10s; the worker's loop"));
}
