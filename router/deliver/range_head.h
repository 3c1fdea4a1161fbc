// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "deliver/delivery.h"

namespace standpipe::deliver {

struct RangeHead {
  Range range;
  std::uint64_t bytes = 0;  // on the wire
};

// The first messages of the range: as many as it takes to have `least` bytes, or all; at most
// `most` of them. For an output that is to end there.
RangeHead range_head(const Delivery& delivery, const Range& range, std::uint64_t least,
                     std::uint64_t most = ~std::uint64_t{0});

}  // namespace standpipe::deliver
