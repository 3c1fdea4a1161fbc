// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_mode.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

namespace {

unsigned mode_of(FifoSources& f) {
  struct stat st {};
  REQUIRE(::stat(f.path().c_str(), &st) == 0);
  return st.st_mode & 07777;
}

worker::FifoMode& mode(FifoSources& f) { return f.sources[0]->feed.mode(); }

}  // namespace

TEST_CASE(
    "a FIFO that is closed to new openings gets a user's own mode back, whichever worker opens "
    "it") {
  for (const bool dies : {false, true}) {
    FifoSources f;
    REQUIRE(::chmod(f.path().c_str(), 0622) == 0);
    mode(f).plan_to_close();
    CHECK(mode_of(f) == 0622);
    mode(f).close();
    CHECK(mode_of(f) == 0);
    if (dies) f.crash();
    CHECK(mode(f).before() == 0622u);
    mode(f).open();
    CHECK(mode_of(f) == 0622);
    CHECK_FALSE(mode(f).before());
  }
}

TEST_CASE("what was not planned is not closed, and what is closed is not planned again") {
  FifoSources f;
  const auto was = mode_of(f);
  mode(f).close();
  CHECK(mode_of(f) == was);
  mode(f).open();
  CHECK(mode_of(f) == was);
  mode(f).plan_to_close();
  mode(f).close();
  mode(f).plan_to_close();
  CHECK(mode(f).before() == was);
}
