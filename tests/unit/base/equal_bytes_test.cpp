// SPDX-License-Identifier: Apache-2.0
#include "base/equal_bytes.h"

#include <catch2/catch.hpp>
#include <vector>

using standpipe::equal_bytes;

TEST_CASE("equal bytes are counted up to the first other one, wherever that is") {
  CHECK(equal_bytes({}) == 0);
  for (std::size_t size = 1; size <= 40; ++size) {
    const std::vector<std::uint8_t> alike(size, 200);
    CHECK(equal_bytes(alike) == size);
    for (std::size_t other = 1; other < size; ++other) {
      auto bytes = alike;
      bytes[other] = 201;
      bytes.back() = 201;  // what comes after it does not count
      INFO(size << ' ' << other);
      REQUIRE(equal_bytes(bytes) == other);
    }
  }
}
