// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using namespace standpipe::cli;
using namespace std::chrono_literals;

TEST_CASE("progress shows how far, how fast and how long still") {
  CHECK(progress_text(64'012, 100'000, 3048ms) ==
        "  [###################-----------]  64,012/100,000  21k/s  2 s left");
  CHECK(progress_text(5, 10, 10s) == "  [###############---------------]  5/10  1/s  10 s left");
  CHECK(progress_text(100, 100, 1s) ==
        "  [##############################]  100/100  100/s  0 s left");
  CHECK(progress_text(1'234'567, std::nullopt, 1s) == "  1,234,567 sent  1.2M/s");
  CHECK(progress_text(0, 10, 3s) == "  [------------------------------]  0/10  0/s");
}
