// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "cli/streams.h"

namespace standpipe::cli {

enum class Format { text, hex, json, raw };

// A payload, as `recv` shows it. On a terminal text and raw are escaped: a message must not rewrite
// the operator's screen.
void show_payload(StandardOutput& out, std::string_view payload, Format format);
std::string hex_dump(std::string_view payload);  // 16 bytes a line, as numbers and as text
std::string base64(std::string_view payload);

std::string padded(std::string text, std::size_t columns);  // with spaces after it
// Columns that line up; the last one is not padded. The first row is the heading.
std::string table_text(const std::vector<std::vector<std::string>>& rows);
// Safe on a terminal, and otherwise as it is: for texts of others that are meant for people, where
// `escaped` would double backslashes.
std::string printable(std::string_view text);
std::string printable_lines(std::string_view text,
                            std::string_view margin);  // line by line, each after the margin
std::string short_number(double n);                    // 21k, 1.5M
std::string short_age(Nanoseconds age);                // 20ms, 5s, 3h
// For a shell, and for reading: quotes only when they are needed.
std::string shell_quoted(std::string_view word);

}  // namespace standpipe::cli
