// SPDX-License-Identifier: Apache-2.0
#include "match/pointer.h"

#include <charconv>

namespace standpipe::match {

std::variant<Pointer, std::string> parse_pointer(std::string_view text) {
  Pointer pointer{.written = std::string(text)};
  if (!text.empty() && text[0] != '/')
    return "a pointer begins with a slash: /" + std::string(text.substr(0, 40));
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      pointer.tokens.emplace_back();
      continue;
    }
    auto c = text[i];
    if (c == '~') {
      const auto next = i + 1 < text.size() ? text[++i] : '\0';
      if (next != '0' && next != '1') return "'~' is written ~0, and '/' in a name is written ~1";
      c = next == '0' ? '~' : '/';
    }
    pointer.tokens.back() += c;
  }
  return pointer;
}

std::optional<std::size_t> element_of(std::string_view token) {
  if (token.empty() || (token[0] == '0' && token.size() > 1)) return std::nullopt;
  std::size_t element = 0;
  const auto* end = token.data() + token.size();
  const auto [stopped, error] = std::from_chars(token.data(), end, element);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return element;
}

}  // namespace standpipe::match
