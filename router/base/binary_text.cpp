// SPDX-License-Identifier: Apache-2.0
#include "base/binary_text.h"

#include <cstdint>

namespace standpipe {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<unsigned> base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0' + 52);
  if (c == '+') return 62;
  if (c == '/') return 63;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> parse_hex(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size();) {
    if (is_space(text[at]) || (text[at] == ':' && !bytes.empty())) {
      ++at;
      continue;
    }
    const auto high = hex_digit(text[at]);
    const auto low = at + 1 < text.size() ? hex_digit(text[at + 1]) : std::nullopt;
    if (!high || !low) return std::nullopt;
    bytes += static_cast<char>(*high << 4 | *low);
    at += 2;
  }
  return bytes;
}

std::optional<std::string> parse_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t group = 0;
  unsigned digits = 0, padding = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const auto digit = base64_digit(c);
    if (!digit || padding > 0) return std::nullopt;
    group = group << 6 | *digit;
    if (++digits % 4 != 0) continue;
    for (const auto shift : {16, 8, 0}) bytes += static_cast<char>(group >> shift & 0xff);
    group = 0;
  }
  const auto rest = digits % 4;
  if (rest == 1 || (padding > 0 && rest + padding != 4)) return std::nullopt;
  if (rest == 2) bytes += static_cast<char>(group >> 4 & 0xff);
  if (rest == 3)
    for (const auto shift : {10, 2}) bytes += static_cast<char>(group >> shift & 0xff);
  return bytes;
}

}  // namespace standpipe
