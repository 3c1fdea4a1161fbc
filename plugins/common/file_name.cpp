// SPDX-License-Identifier: Apache-2.0
#include "common/file_name.h"

#include "common/utf8.h"

namespace common {
namespace {

void append_escaped_byte(std::string& out, char byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  const auto c = static_cast<unsigned char>(byte);
  out += {'%', kDigits[c >> 4], kDigits[c & 15]};
}

}  // namespace

std::string file_name(std::string_view value, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < value.size() && out.size() <= most;) {
    const auto c = character_at(value, i);
    const bool is_plain = c.bytes > 0 && !rewrites_screen(c.point) && value[i] != '/' &&
                          value[i] != '%' && !(i == 0 && value[i] == '.');
    const auto bytes = value.substr(i, c.bytes > 0 ? c.bytes : 1);
    if (is_plain) {
      out += bytes;
    } else {
      for (const char byte : bytes) append_escaped_byte(out, byte);
    }
    i += bytes.size();
  }
  return out;
}

}  // namespace common
