// SPDX-License-Identifier: Apache-2.0
#include "worker/timers.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using standpipe::worker::Ready, standpipe::worker::Timers;

namespace {

using Keys = std::vector<std::uint64_t>;
using Indexes = std::vector<std::size_t>;

}  // namespace

TEST_CASE("keys are due in the order of their times, each once") {
  Timers timers;
  timers.set(1, 30s);
  timers.set(2, 10s);
  timers.set(3, 20s);
  CHECK(timers.next() == standpipe::Nanoseconds(10s));
  CHECK(timers.due(9s).empty());
  CHECK(timers.due(20s) == Keys{2, 3});
  CHECK(timers.due(20s).empty());
  CHECK(timers.next() == standpipe::Nanoseconds(30s));
}

TEST_CASE("a key has one time: the last that was set, or none") {
  Timers timers;
  timers.set(1, 10s);
  timers.set(1, 20s);
  CHECK(timers.due(10s).empty());
  timers.set(1, std::nullopt);
  CHECK_FALSE(timers.next());
  CHECK(timers.due(100s).empty());
  timers.set(1, std::nullopt);  // it had none
  CHECK_FALSE(timers.next());
}

TEST_CASE("a time that is set already can be left as it is") {
  Timers timers;
  timers.set(1, 20s);
  timers.set_if_none(1, 10s);
  timers.set_if_none(2, 15s);
  CHECK(timers.due(15s) == Keys{2});
  CHECK(timers.due(20s) == Keys{1});
}

TEST_CASE("keys of one time are all due") {
  Timers timers;
  for (const std::uint64_t key : {7, 3, 5}) timers.set(key, 10s);
  CHECK(timers.due(10s) == Keys{3, 5, 7});
}

TEST_CASE("who is ready has one turn a round, first come first served") {
  Ready ready(4);
  ready.add(2);
  ready.add(0);
  ready.add(2);
  CHECK(ready.round() == Indexes{2, 0});
  CHECK(ready.empty());
}

TEST_CASE("who becomes ready during a round has its turn in the next one") {
  Ready ready;
  ready.add(9);  // more than it was made for
  for (const auto i : ready.round()) ready.add(i);
  CHECK_FALSE(ready.empty());
  CHECK(ready.round() == Indexes{9});
  CHECK(ready.empty());
}
