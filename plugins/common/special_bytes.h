// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace common {

// Finds, 16 bytes at a time, where valid UTF-8 may need an escape: controls, quote, backslash, and
// the three lead bytes (0xc2, 0xe2, 0xef) of all characters that rewrite a screen. A lead byte is
// never a continuation byte, so a hit is always the start of a character.
inline constexpr std::size_t kBlockBytes = 16;

constexpr bool is_special_byte(unsigned char c) {
  return c < 0x20 || c == '"' || c == '\\' || c == 0x7f || c == 0xc2 || c == 0xe2 || c == 0xef;
}

// Bit i stands for block[i]. This one is for machines without the instructions of the one below.
inline unsigned special_bytes_portable(const char* block) {
  static constexpr auto kSpecial = [] {
    std::array<std::uint8_t, 256> special{};
    for (unsigned c = 0; c < special.size(); ++c)
      special[c] = is_special_byte(static_cast<unsigned char>(c));
    return special;
  }();
  unsigned found = 0;
  for (std::size_t i = 0; i < kBlockBytes; ++i)
    found |= static_cast<unsigned>(kSpecial[static_cast<unsigned char>(block[i])]) << i;
  return found;
}

#if defined(__SSE2__)
inline unsigned special_bytes(const char* block) {
  __m128i bytes;
  __builtin_memcpy(&bytes, block, sizeof bytes);
  const auto equal = [&](unsigned char c) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(c)));
  };
  const auto both = [](__m128i a, __m128i b) { return _mm_or_si128(a, b); };
  const auto controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const auto ascii = both(both(controls, equal('"')), both(equal('\\'), equal(0x7f)));
  const auto leads = both(both(equal(0xc2), equal(0xe2)), equal(0xef));
  return static_cast<unsigned>(_mm_movemask_epi8(both(ascii, leads)));
}
#else
inline unsigned special_bytes(const char* block) { return special_bytes_portable(block); }
#endif

}  // namespace common
