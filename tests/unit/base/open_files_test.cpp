// SPDX-License-Identifier: Apache-2.0
#include "base/open_files.h"

#include <catch2/catch.hpp>

using namespace standpipe;

TEST_CASE("a source costs one descriptor, and a handler an output's and its plugin's") {
  const auto none = OpenFiles::needed_for(0, 0);
  const auto sources = OpenFiles::needed_for(10, 0), handlers = OpenFiles::needed_for(0, 10);
  CHECK(sources.worker - none.worker == 10);
  CHECK(sources.kept - none.kept == 10);
  CHECK(handlers.worker - none.worker == 10 * (4 + 2));
  CHECK(handlers.kept - none.kept == 10 * 3);  // the FIFO, and both ends of its stage
  CHECK(none.worker > none.kept);
}

TEST_CASE("a source with a plugin has neither a FIFO nor an output") {
  const auto none = OpenFiles::needed_for(0, 0), plugins = OpenFiles::needed_for(0, 0, 10);
  CHECK(plugins.worker - none.worker == 10 * 3);
  CHECK(plugins.kept == none.kept);
}

TEST_CASE("the largest hub stays within what a keeper may hold") {
  CHECK(OpenFiles::needed_for(10'000, 10'000).kept < kKeptMost);
}

TEST_CASE("the soft limit is raised to the hard one") {
  raise_open_files_limit();
  CHECK(open_files_limit() >= 256);
}
