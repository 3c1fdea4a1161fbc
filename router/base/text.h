// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

// Numbers, sizes and payloads as people read and write them.
namespace standpipe {

std::string thousands(std::uint64_t n);  // 1,819,043,176
std::string counted(std::uint64_t n, std::string_view one,
                    std::string_view many = {});  // "1 message", "2 messages"
std::string size_text(std::uint64_t bytes);       // "16MiB"; exact: 1,500 B stays "1500B"
std::string duration_text(Nanoseconds d);         // "10s", "250ms"; exact

// "64KiB", "10MB", "512B"; a bare 0 is fine, other bare numbers are not. nullopt: not a size, has
// no unit, or does not fit.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "10s", "500ms", "5m", "2h", "1d", "20us", "5ns"; a bare 0 is fine.
std::optional<Nanoseconds> parse_duration(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);
std::optional<double> parse_float(std::string_view text);   // finite only
std::optional<bool> parse_boolean(std::string_view text);   // true, false
std::optional<unsigned> parse_mode(std::string_view text);  // octal permissions, "0620"

bool is_utf8(std::string_view text);
// Where the first byte that is not UTF-8 stands.
std::optional<std::size_t> first_bad_utf8(std::string_view text);

// Safe on a terminal: control characters, escape sequences and bytes that are not UTF-8 become \n,
// \t, \x1b, ...
std::string escaped(std::string_view payload);
// Of what another process says that it has escaped: its backslashes stay as they are.
std::string escaped_once(std::string_view text);
std::string quoted(std::string_view text);  // the same in single quotes, for messages
// For strings std::quoted would be found as well, wherever <iomanip> is, and be nearer.
inline std::string quoted(const std::string& text) { return quoted(std::string_view(text)); }
inline std::string quoted(std::string& text) { return quoted(std::string_view(text)); }
// "68 65 6c 6c 6f  hello", at most `most` bytes of it.
std::string hex_excerpt(std::span<const std::byte> bytes, std::size_t most = 16);
// A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);
bool is_printable_ascii(std::string_view text);

// Columns that text takes on a terminal (wide characters take two, combining ones none).
std::size_t display_width(std::string_view utf8);

// The candidate that was probably meant: at most a third of its letters differ. nullopt: none is
// near.
std::optional<std::string> nearest(std::string_view mistyped,
                                   const std::vector<std::string>& candidates);
std::string joined(const std::vector<std::string>& parts, std::string_view separator);
// Of a text, without their ends; empty ones are left out.
std::vector<std::string> lines_in(std::string_view text);

}  // namespace standpipe
