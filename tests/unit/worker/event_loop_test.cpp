// SPDX-License-Identifier: Apache-2.0
#include "worker/event_loop.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "worker/loop_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::LoopKit;

TEST_CASE("a descriptor that can be read is reported by its key, once") {
  LoopKit kit;
  const auto pipe = Pipe::make(4096);
  kit.loop.watch(pipe.read_end.get(), EPOLLIN, 7);
  CHECK(kit.round() == "");
  REQUIRE(::write(pipe.write_end.get(), "x", 1) == 1);
  CHECK(kit.round() == "event 7");
  CHECK(kit.round() == "");
  kit.loop.unwatch(pipe.read_end.get());
  REQUIRE(::write(pipe.write_end.get(), "x", 1) == 1);
  CHECK(kit.round() == "");
}

TEST_CASE("a timer is reported when its time has come, and the last time that was set counts") {
  LoopKit kit;
  kit.loop.set_timer(1, kit.clock.now + 5ms);
  kit.loop.set_timer(2, kit.clock.now + 1ms);
  kit.loop.set_timer(1, kit.clock.now + 2ms);
  kit.loop.set_timer_if_none(2, kit.clock.now);
  CHECK(kit.round() == "");
  kit.clock.now += 1ms;
  CHECK(kit.round() == "timer 2");
  kit.clock.now += 1ms;
  CHECK(kit.round() == "timer 1");
  kit.loop.set_timer(3, kit.clock.now);
  kit.loop.set_timer(3, std::nullopt);
  CHECK(kit.round() == "");
}

TEST_CASE("another thread wakes it, and however often it does so is one event") {
  LoopKit kit;
  std::thread([&] {
    kit.loop.wake();
    kit.loop.wake();
  }).join();
  CHECK(kit.wait() == "event 99");
  CHECK(kit.round() == "");
}

TEST_CASE("events come with the time of the last round, timers with that of this one") {
  LoopKit kit;
  const auto began = kit.clock.now;
  kit.loop.wake();
  kit.loop.set_timer(1, began + 1ms);
  kit.clock.now += 1ms;
  Nanoseconds at_event{0}, at_timer{0};
  kit.loop.wait(
      true, [&](std::uint64_t, std::uint32_t) { at_event = kit.loop.now(); },
      [&](std::uint64_t) { at_timer = kit.loop.now(); });
  CHECK(at_event == began);
  CHECK(at_timer == began + 1ms);
}

TEST_CASE("a round lasts from what wakes the loop to its next wait, events and all") {
  LoopKit kit;
  kit.loop.set_timer(1, kit.clock.now);
  kit.loop.wait(
      false, [](auto, auto) {}, [&](auto) { kit.clock.now += 3ms; });
  kit.clock.now += 4ms;  // the rest of the round
  CHECK(kit.loop.longest_round().took == 0ms);
  kit.loop.wait(
      true, [](auto, auto) {}, [](auto) {});
  CHECK(kit.loop.longest_round().took == 7ms);
  CHECK(kit.loop.longest_round().ended == kit.clock.now);
  kit.loop.wake();
  kit.loop.wait(
      false, [&](auto, auto) { kit.clock.now += 8ms; }, [](auto) {});
  kit.loop.set_timer(1, kit.clock.now);
  kit.loop.wait(
      false, [](auto, auto) {}, [](auto) {});
  CHECK(kit.loop.longest_round().took == 8ms);
}
