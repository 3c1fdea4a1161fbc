// SPDX-License-Identifier: Apache-2.0
#include "common/mode.h"

#include <charconv>
#include <standpipe/plugin.hpp>
#include <string>

namespace common {

std::uint32_t octal_mode(std::string_view option, std::string_view text) {
  std::uint32_t mode = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, mode, 8);
  const bool fits = text.size() >= 3 && text.size() <= 4 && mode <= 0777;
  if (error == std::errc() && stopped == end && fits) return mode;
  throw standpipe::fatal(std::string(option) + ": '" + std::string(text) +
                         "' is not a file mode: write it in octal, as in \"0640\"");
}

}  // namespace common
