// SPDX-License-Identifier: Apache-2.0
#include "worker/fifo_difference.h"

#include <catch2/catch.hpp>
#include <string>

#include "deliver/scripted.h"

TEST_CASE("a FIFO that is not as the configuration says is reported with whose it is, and why") {
  test::Quiet reporter;
  standpipe::worker::warn_of_difference(reporter, "in", "/run/in", "has mode 0644, not 0600");
  CHECK(reporter.reported ==
        std::vector<std::string>{"in: /run/in has mode 0644, not 0600; it is kept as it is"});
}

TEST_CASE("one that is as it should be is not") {
  test::Quiet reporter;
  standpipe::worker::warn_of_difference(reporter, "in", "/run/in", "");
  CHECK(reporter.reported.empty());
}
