// SPDX-License-Identifier: Apache-2.0
#include "deliver/last_flush.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::CallKind;
using deliver::LastFlush;

TEST_CASE("a plugin is asked to flush until it was, and has most of the time left to settle") {
  LastFlush flush;
  deliver::Waiting waiting;
  CHECK(flush.next(10s, 14s, waiting) == LastFlush::Step::flush);
  // The call had to wait for its turn: what is left then is what counts.
  CHECK(flush.next(12s, 16s, waiting) == LastFlush::Step::flush);
  CHECK_FALSE(waiting.until);
  flush.came_back(CallKind::flush);
  CHECK(flush.next(13s, 16s, waiting) == LastFlush::Step::wait);
  CHECK(waiting.until == 15s);
  CHECK(flush.next(15s, 16s, waiting) == LastFlush::Step::close);
}

TEST_CASE("an instance that was opened since is asked, too") {
  LastFlush flush;
  deliver::Waiting waiting;
  flush.came_back(CallKind::flush);
  flush.came_back(CallKind::open);
  CHECK(flush.next(10s, 14s, waiting) == LastFlush::Step::flush);
}
