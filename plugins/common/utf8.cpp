// SPDX-License-Identifier: Apache-2.0
#include "common/utf8.h"

#include <simdjson.h>

namespace common {
namespace {

bool is_in(char32_t point, char32_t first, char32_t last) {
  return point >= first && point <= last;
}

std::size_t length_by_lead(unsigned char lead) {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
}

constexpr std::size_t kShortBytes =
    64;  // to here a call of the validator costs more than a look at each byte

bool is_short_ascii(std::string_view text) {
  if (text.size() > kShortBytes) return false;
  unsigned bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  return bits < 0x80;
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const auto n = length_by_lead(byte(0));
  if (n == 0 || n > text.size() - at) return {};
  char32_t point = byte(0) & (0xffu >> (n + 1));
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    point = (point << 6) | (byte(i) & 0x3fu);
  }
  constexpr char32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kLowest[n] || point > 0x10ffff || is_in(point, 0xd800, 0xdfff)) return {};
  return {point, n};
}

bool is_utf8(std::string_view text) {
  return is_short_ascii(text) || simdjson::validate_utf8(text.data(), text.size());
}

bool rewrites_screen(char32_t point) {
  return point < 0x20 || is_in(point, 0x7f, 0x9f) || is_in(point, 0x200b, 0x200f) ||
         is_in(point, 0x2028, 0x202e) || is_in(point, 0x2066, 0x2069) || point == 0xfeff;
}

}  // namespace common
