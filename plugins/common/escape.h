// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/spool.h"

namespace common {

// How the special parts of a text are written.
struct Escapes {
  struct Instead {
    std::uint8_t size = 0;
    char text[7] = {};
  };
  std::array<Instead, 128>
      of_byte;         // of an ASCII character; what needs no escape stands for itself
  bool by_code_point;  // \u200e for a character of several bytes, or \xe2\x80\x8e
};

extern const Escapes kJsonEscapes;      // for the inside of a JSON string
extern const Escapes kTerminalEscapes;  // \n, \x1b; a quote needs none

// Appends text that is UTF-8, with escapes for what would end it or rewrite the screen. Everything
// else, which is nearly all, is copied in blocks of 16 bytes: the cost is that of a copy, plus a
// few cycles for each escape.
void append_escaped(Spool& out, std::string_view utf8, const Escapes& escapes);
// The same as a string, for short texts.
std::string escaped(std::string_view utf8, const Escapes& escapes);

}  // namespace common
