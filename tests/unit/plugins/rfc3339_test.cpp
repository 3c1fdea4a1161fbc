// SPDX-License-Identifier: Apache-2.0
#include "common/rfc3339.h"

#include <catch2/catch.hpp>

#include "kit.h"

TEST_CASE("times are written and read") {
  const auto noon = std::chrono::nanoseconds(standpipe::testing::kNoon);
  CHECK(common::rfc3339(noon) == "2024-05-01T12:00:00.250Z");
  CHECK(common::parse_rfc3339("2024-05-01T12:00:00.250Z") == noon);
  CHECK(common::parse_rfc3339("1970-01-01T00:00:00.001Z") == std::chrono::milliseconds(1));
  CHECK(common::parse_rfc3339("2024-02-29T23:59:59.999Z"));
  for (const auto wrong :
       {"", "2024-05-01", "2024-05-01 12:00:00.250Z", "2024-13-01T12:00:00.250Z",
        "2023-02-29T12:00:00.250Z", "2024-05-01T24:00:00.250Z", "2024-05-01T12:60:00.250Z",
        "2o24-05-01T12:00:00.250Z", "2024-05-01T12:00:00.250+", "9999-05-01T12:00:00.250Z"})
    CHECK_FALSE(common::parse_rfc3339(wrong));
}
