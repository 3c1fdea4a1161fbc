// SPDX-License-Identifier: Apache-2.0
//
// standpipe/text.hpp: the ABI's strings as C++ sees them. Part of plugin.hpp; not for plugins.
#pragma once

#include <standpipe/plugin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace standpipe::detail {

inline std::string_view view(const standpipe_string& s) {
  return s.size ? std::string_view(s.data, s.size) : std::string_view();
}

inline standpipe_string abi(std::string_view s) { return {s.data(), s.size()}; }

// Cuts a text that is too long, but not in the middle of a character.
inline void write_reason(standpipe_reason* reason, std::string_view text) noexcept {
  if (!reason) return;
  auto n = std::min(text.size(), sizeof reason->text);
  if (n < text.size())
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
  if (n) std::memcpy(reason->text, text.data(), n);
  reason->length = static_cast<std::uint32_t>(n);
}

}  // namespace standpipe::detail
