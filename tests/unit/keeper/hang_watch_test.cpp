// SPDX-License-Identifier: Apache-2.0
#include "keeper/hang_watch.h"

#include <array>
#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::keeper;
using namespace standpipe::state;
using namespace std::chrono_literals;

namespace {

// Looks whenever the watch wants to.
class Polls {
 public:
  std::array<Watch, 2> watches;
  void begin(std::size_t i, Nanoseconds timeout) {
    watches[i].timeout_ns = static_cast<std::uint64_t>(timeout.count());
    ++watches[i].call;
  }
  void end(std::size_t i) { ++watches[i].call; }
  // How many hang after that time.
  std::size_t after(Nanoseconds time) {
    const auto until = now_ + time;
    std::size_t n = 0;
    for (; now_ <= until; now_ = std::max(now_, watch_.next_poll()))
      n = watch_.poll(watches, now_).size();
    now_ = until;
    return n;
  }
  void sleep(Nanoseconds time) { now_ += time; }
  void restart() { watch_.restart(watches); }
  std::size_t poll() { return watch_.poll(watches, now_).size(); }
  Nanoseconds interval() const { return watch_.next_poll() - now_; }

 private:
  HangWatch watch_;
  Nanoseconds now_{1000s};
};

}  // namespace

TEST_CASE("a call is a hang after its timeout and not before") {
  Polls polls;
  polls.poll();
  polls.begin(1, 1s);
  CHECK(polls.after(900ms) == 0);
  CHECK(polls.after(700ms) == 1);
}

TEST_CASE("calls that follow each other are no hang") {
  Polls polls;
  std::size_t hung = 0;
  for (int i = 0; i < 100; ++i) {
    polls.begin(0, 100ms);
    hung += polls.after(60ms);
    polls.end(0);
  }
  CHECK(hung == 0);
}

TEST_CASE("a machine that stood still is not a hang") {
  Polls polls;
  polls.begin(0, 10s);
  polls.after(1s);
  polls.sleep(1h);
  CHECK(polls.poll() == 0);
  CHECK(polls.after(11s) == 1);
}

TEST_CASE("a call that a dead worker left open is not a hang, its successor's is") {
  Polls polls;
  polls.begin(0, 1s);
  polls.restart();
  CHECK(polls.after(10s) == 0);
  polls.end(0), polls.begin(0, 1s);
  CHECK(polls.after(2s) == 1);
}

TEST_CASE("it looks as often as the shortest timeout of a call in progress wants") {
  Polls polls;
  polls.poll();
  CHECK(polls.interval() == 1h);  // there is no timeout
  polls.begin(0, 400ms);
  polls.poll();
  CHECK(polls.interval() == 100ms);
  polls.begin(1, 1ms);
  polls.poll();
  CHECK(polls.interval() == 20ms);
  polls.end(0), polls.end(1);
  polls.poll();
  CHECK(polls.interval() == 250ms);
}
