// SPDX-License-Identifier: Apache-2.0
#include "base/bits.h"

#include <catch2/catch.hpp>
#include <vector>

TEST_CASE("the bits of a set are told in order, across its words") {
  const std::vector<std::uint64_t> set{std::uint64_t{1} << 63 | 5, 0, 2};
  std::vector<std::size_t> bits;
  standpipe::for_bits(set, [&](std::size_t bit) { bits.push_back(bit); });
  CHECK(bits == std::vector<std::size_t>{0, 2, 63, 129});
}
