// SPDX-License-Identifier: Apache-2.0
#include "worker/poller.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/failure.h"

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Poller;

namespace {

// A poller that looks at one pipe, and never waits. Verb: keys (of what has happened).
struct Fixture {
  std::vector<std::uint64_t> keys() {
    std::vector<std::uint64_t> all;
    for (const auto& event : poller.wait(1s, 1s))
      all.push_back(std::uint64_t{event.data.u64});  // packed
    return all;
  }
  using Keys = std::vector<std::uint64_t>;

  Poller poller;
  Pipe pipe = Pipe::make(4096);
};

}  // namespace

TEST_CASE_METHOD(Fixture, "each change is reported once, by its key", "[epoll_pwait2]") {
  poller.add(pipe.read_end.get(), EPOLLIN, 7);
  CHECK(keys().empty());
  REQUIRE(::write(pipe.write_end.get(), "a", 1) == 1);
  CHECK(keys() == Keys{7});
  CHECK(keys().empty());  // though the byte is still there
  REQUIRE(::write(pipe.write_end.get(), "b", 1) == 1);
  CHECK(keys() == Keys{7});
}

TEST_CASE_METHOD(Fixture,
                 "what was removed is reported no more, and what cannot be added is a failure",
                 "[epoll_pwait2]") {
  poller.add(pipe.read_end.get(), EPOLLIN, 7);
  poller.remove(pipe.read_end.get());
  REQUIRE(::write(pipe.write_end.get(), "a", 1) == 1);
  CHECK(keys().empty());
  CHECK_THROWS_AS(poller.add(-1, EPOLLIN, 8), Failure);
}

TEST_CASE_METHOD(Fixture,
                 "a wait lasts until its time, and one whose time has passed does not wait",
                 "[epoll_pwait2]") {
  const SystemClock clock;
  const auto began = clock.steady();
  CHECK(poller.wait(began + 30ms, began).empty());
  const auto waited = clock.steady() - began;
  CHECK(waited >= 29ms);
  CHECK(poller.wait(began - 10s, clock.steady()).empty());
  CHECK(clock.steady() - began < waited + 5s);
}
