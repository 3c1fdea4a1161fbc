// SPDX-License-Identifier: Apache-2.0
#include "common/hash.h"

#include <catch2/catch.hpp>
#include <string>

TEST_CASE("hashes are SipHash-2-4, as its authors print them") {
  const common::HashKey key{0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
  std::string text;
  CHECK(common::hash(key, text) == 0x726fdb47dd0e0e31u);
  for (char c = 0; c < 15; ++c) text += c;
  CHECK(common::hash(key, text) == 0xa129ca6149be45e5u);
}

TEST_CASE("numbers that look random are the same for a seed") {
  std::uint64_t state = 1234567;
  CHECK(common::next_random(state) == 6457827717110365317u);
  CHECK(common::next_random(state) == 3203168211198807973u);
}
