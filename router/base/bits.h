// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace standpipe {

// Calls `each` with the number of every bit of the set, in order.
template <class Each>
void for_bits(std::span<const std::uint64_t> set, Each each) {
  for (std::size_t w = 0; w < set.size(); ++w)
    for (auto rest = set[w]; rest; rest &= rest - 1)
      each(w * 64 + static_cast<std::size_t>(std::countr_zero(rest)));
}

}  // namespace standpipe
