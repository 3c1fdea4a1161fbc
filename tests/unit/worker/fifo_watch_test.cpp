// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_watch.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "worker/loop_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// A pipe stands for the FIFO: what reports it is the same.
class Fixture : public test::LoopKit {
 public:
  Fixture() {
    REQUIRE(loop.is_exact());
    watch.begin(pipe.read_end.get());
  }
  void write(const Pipe& to) { REQUIRE(::write(to.write_end.get(), "x", 1) == 1); }
  // Turns of so many messages each, a hundred in a millisecond.
  void flow(Nanoseconds time, std::uint64_t messages) {
    for (const auto end = clock.now + time; clock.now < end;) {
      clock.now += 10us;
      loop.read_clock();
      watch.after_turn(true, came += messages);
    }
  }

  Pipe pipe = Pipe::make(4096);
  worker::PollMode poll_mode;
  worker::FifoWatch watch{loop, 5, poll_mode};
  std::uint64_t came = 0;
};

}  // namespace

TEST_CASE("a FIFO that few messages come through is reported by epoll", "[epoll_pwait2]") {
  Fixture f;
  f.flow(10ms, 1);
  CHECK_FALSE(f.watch.polls());
  f.write(f.pipe);
  CHECK(f.round() == "event 5");
}

TEST_CASE("a flood of small writes is polled, and costs its writers no event", "[epoll_pwait2]") {
  Fixture f;
  f.flow(10ms, 5);
  REQUIRE(f.watch.polls());
  f.write(f.pipe);
  CHECK(f.round() == "");
  f.clock.now += worker::PollMode::kInterval;
  CHECK(f.round() == "timer 5");
}

TEST_CASE("when polling stops, epoll reports at once what came meanwhile", "[epoll_pwait2]") {
  Fixture f;
  f.flow(10ms, 5);
  f.write(f.pipe);
  f.watch.stop_polling();
  CHECK_FALSE(f.watch.polls());
  CHECK(f.round() == "event 5");
}

TEST_CASE("polling ends by itself when the flood does", "[epoll_pwait2]") {
  Fixture f;
  f.flow(10ms, 5);
  f.flow(3ms, 0);
  CHECK_FALSE(f.watch.polls());
  f.write(f.pipe);
  CHECK(f.round().starts_with("event 5"));
}

TEST_CASE("a FIFO that comes in the place of another is watched, and the old one no longer",
          "[epoll_pwait2]") {
  Fixture f;
  f.flow(10ms, 5);
  const auto other = Pipe::make(4096);
  f.watch.follow(other.read_end.get());
  CHECK_FALSE(f.watch.polls());
  f.write(f.pipe);
  CHECK(f.round() == "");
  f.write(other);
  CHECK(f.round() == "event 5");
}
