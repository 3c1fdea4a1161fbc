// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace common {

// The character at a place. bytes is 0 when no UTF-8 stands there (overlong forms and surrogates
// are none).
struct Character {
  char32_t point = 0;
  std::size_t bytes = 0;
};

Character character_at(std::string_view text, std::size_t at);
bool is_utf8(std::string_view text);  // the same in blocks: gigabytes a second

// Controls, and the characters that reorder or hide what stands around them: a message must not
// rewrite the operator's screen.
bool rewrites_screen(char32_t point);

}  // namespace common
