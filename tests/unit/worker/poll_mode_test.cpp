// SPDX-License-Identifier: Apache-2.0
#include "worker/poll_mode.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using worker::PollMode;

namespace {

class Source {
 public:
  // So many turns a millisecond, and messages a turn.
  void flow(Nanoseconds time, int turns, std::uint64_t messages) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += Nanoseconds(1ms) / turns;
      poll_mode.after_turn(now_, came_ += messages);
    }
  }
  void sleep(Nanoseconds time) { now_ += time; }
  PollMode poll_mode;

 private:
  Nanoseconds now_{1s};
  std::uint64_t came_ = 0;
};

}  // namespace

TEST_CASE("a source of many small writes is polled after some milliseconds of them") {
  Source source;
  source.flow(3ms, 100, 5);
  CHECK_FALSE(source.poll_mode.is_polled());
  source.flow(3ms, 100, 5);
  CHECK(source.poll_mode.is_polled());
  source.flow(1s, 20, 25);  // as it is then
  CHECK(source.poll_mode.is_polled());
}

TEST_CASE("what gathered while the hub slept is no flood") {
  Source source;
  for (int i = 0; i < 10; ++i) {
    source.flow(3ms, 100, 5);
    source.sleep(5ms);
  }
  CHECK_FALSE(source.poll_mode.is_polled());
}

TEST_CASE("messages that come one by one, or many in few writes, are reported by epoll") {
  Source one_by_one, gathered;
  one_by_one.flow(1s, 200, 1);
  gathered.flow(1s, 10, 500);
  CHECK_FALSE(one_by_one.poll_mode.is_polled());
  CHECK_FALSE(gathered.poll_mode.is_polled());
}

TEST_CASE("the clock looks for a millisecond more when nothing comes any more") {
  Source source;
  source.flow(10ms, 100, 5);
  REQUIRE(source.poll_mode.is_polled());
  source.flow(2ms, 20, 0);
  CHECK_FALSE(source.poll_mode.is_polled());
}

TEST_CASE("a source whose log is full is left to epoll at once") {
  Source source;
  CHECK_FALSE(source.poll_mode.end());
  source.flow(10ms, 100, 5);
  CHECK(source.poll_mode.end());
  CHECK_FALSE(source.poll_mode.is_polled());
  source.flow(2ms, 100, 5);
  CHECK_FALSE(source.poll_mode.is_polled());
}
