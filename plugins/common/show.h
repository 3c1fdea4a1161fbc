// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "common/spool.h"

// Payloads as people and programs read them, piece by piece into a Spool, so that a large one needs
// no memory of its size.
namespace common {

// Safe on a terminal: \n, \t, \x1b; bytes that are not UTF-8 as \xff. A backslash is doubled, so
// nothing can be mistaken.
void show_escaped(Spool& out, std::string_view payload);
// A JSON string with its quotes. What would rewrite a screen is escaped too. The text must be
// UTF-8.
void show_json_string(Spool& out, std::string_view utf8);
void show_base64(Spool& out, std::string_view payload);
// "68 65 6c 6c 6f"
void show_hex(Spool& out, std::string_view payload);
// "00000000  68 65 6c 6c 6f ...  |hello|", 16 bytes a line.
void show_hex_dump(Spool& out, std::string_view payload);

}  // namespace common
