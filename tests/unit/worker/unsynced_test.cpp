// SPDX-License-Identifier: Apache-2.0
#include "worker/unsynced.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using standpipe::worker::Unsynced;

TEST_CASE("what was written waits for a sync since the first of it was") {
  Unsynced unsynced;
  CHECK(unsynced.empty());
  unsynced.wrote(1, 10ms);
  unsynced.wrote(5, 20ms);
  unsynced.wrote(9, 30ms);
  CHECK(unsynced.since() == 10ms);
  unsynced.reset();
  CHECK(unsynced.empty());
}

TEST_CASE("what the handler is through with waits for no sync") {
  Unsynced unsynced;
  unsynced.wrote(1, 10ms);
  unsynced.wrote(5, 20ms);
  unsynced.passed(4, 9);
  CHECK(unsynced.since() == 10ms);
  unsynced.passed(5, 9);
  CHECK(unsynced.since() == 20ms);
  unsynced.passed(9, 9);
  CHECK(unsynced.empty());
  unsynced.wrote(9, 50ms);
  CHECK(unsynced.since() == 50ms);
}

TEST_CASE("nothing is taken for younger than it is, however the handler goes on") {
  Unsynced unsynced;
  for (int written = 1; written < 100; ++written) {
    unsynced.wrote(static_cast<std::uint64_t>(written), std::chrono::milliseconds(written));
    const auto settled = written - written % 7 / 2;  // the first that the handler has not yet
    unsynced.passed(static_cast<std::uint64_t>(settled), static_cast<std::uint64_t>(written) + 1);
    REQUIRE(unsynced.since());
    CHECK(*unsynced.since() <= std::chrono::milliseconds(settled));
    CHECK(*unsynced.since() >= std::chrono::milliseconds(written - 14));
  }
}
