// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace standpipe {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t whole_pages(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

}  // namespace standpipe
