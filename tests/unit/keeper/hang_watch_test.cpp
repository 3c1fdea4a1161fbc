// SPDX-License-Identifier: Apache-2.0
#include "keeper/hang_watch.h"

#include <array>
#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::keeper;
using namespace std::chrono_literals;

namespace {

// Looks whenever the watch wants to.
class Looks {
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
    for (; now_ <= until; now_ = std::max(now_, watch_.next_look())) n = watch_.look(watches, now_).size();
    now_ = until;
    return n;
  }
  void sleep(Nanoseconds time) { now_ += time; }
  void restart() { watch_.restart(watches); }
  std::size_t look() { return watch_.look(watches, now_).size(); }
  Nanoseconds interval() const { return watch_.next_look() - now_; }

 private:
  HangWatch watch_;
  Nanoseconds now_{1000s};
};

}  // namespace

TEST_CASE("a call is a hang after its timeout and not before") {
  Looks looks;
  looks.look();
  looks.begin(1, 1s);
  CHECK(looks.after(900ms) == 0);
  CHECK(looks.after(700ms) == 1);
}

TEST_CASE("calls that follow each other are no hang") {
  Looks looks;
  std::size_t hung = 0;
  for (int i = 0; i < 100; ++i) {
    looks.begin(0, 100ms);
    hung += looks.after(60ms);
    looks.end(0);
  }
  CHECK(hung == 0);
}

TEST_CASE("a machine that stood still is no hang") {
  Looks looks;
  looks.begin(0, 10s);
  looks.after(1s);
  looks.sleep(1h);
  CHECK(looks.look() == 0);
  CHECK(looks.after(11s) == 1);
}

TEST_CASE("a call that a dead worker left open is no hang, its successor's is") {
  Looks looks;
  looks.begin(0, 1s);
  looks.restart();
  CHECK(looks.after(10s) == 0);
  looks.end(0), looks.begin(0, 1s);
  CHECK(looks.after(2s) == 1);
}

TEST_CASE("it looks as often as the shortest timeout of a call in progress wants") {
  Looks looks;
  looks.look();
  CHECK(looks.interval() == 1h);  // there is no timeout
  looks.begin(0, 400ms);
  looks.look();
  CHECK(looks.interval() == 100ms);
  looks.begin(1, 1ms);
  looks.look();
  CHECK(looks.interval() == 20ms);
  looks.end(0), looks.end(1);
  looks.look();
  CHECK(looks.interval() == 250ms);
}
