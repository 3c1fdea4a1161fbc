// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace standpipe {

// How many bytes from the front on are the same, eight at a time. The outcomes of a batch are
// mostly all alike, and to look at them one by one took as long as to find the messages.
inline std::size_t equal_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return 0;
  constexpr std::uint64_t kEach = 0x0101010101010101;
  const auto wanted = bytes[0] * kEach;
  std::size_t at = 0;
  for (; bytes.size() - at >= sizeof wanted; at += sizeof wanted) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if (word != wanted) break;
  }
  while (at < bytes.size() && bytes[at] == bytes[0]) ++at;
  return at;
}

}  // namespace standpipe
