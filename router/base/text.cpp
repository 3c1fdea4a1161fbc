// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <wchar.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace standpipe {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kSizeUnits[] = {{"TiB", 1ULL << 40},
                               {"GiB", 1ULL << 30},
                               {"MiB", 1ULL << 20},
                               {"KiB", 1ULL << 10},
                               {"TB", 1'000'000'000'000},
                               {"GB", 1'000'000'000},
                               {"MB", 1'000'000},
                               {"kB", 1'000},
                               {"KB", 1'000},
                               {"B", 1}};
constexpr Unit kDurationUnits[] = {{"ns", 1},
                                   {"us", 1'000},
                                   {"ms", 1'000'000},
                                   {"s", 1'000'000'000},
                                   {"m", 60'000'000'000},
                                   {"h", 3'600'000'000'000},
                                   {"d", 86'400'000'000'000}};

// digits[.digits]unit with the result inside int64; a bare 0 has no need of a unit.
std::optional<std::uint64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  if (text == "0") return 0;
  const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
  if (digits == 0 || digits == text.size()) return std::nullopt;
  auto name = text.substr(digits);
  while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
  const auto unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == name; });
  if (unit == units.end()) return std::nullopt;
  const auto number = text.substr(0, digits);
  std::uint64_t whole = 0;
  if (const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), whole);
      ec == std::errc() && end == number.data() + number.size()) {
    if (whole > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit->factor)
      return std::nullopt;
    return whole * unit->factor;
  }
  const auto real = parse_float(number);  // "1.5MiB"
  if (!real || *real * static_cast<double>(unit->factor) > 9.2e18) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*real * static_cast<double>(unit->factor)));
}

// The code point at `at` and how many bytes it takes; 0 bytes: not UTF-8 (overlong and surrogates
// are not, either).
struct Decoded {
  char32_t point;
  std::size_t bytes;
};
Decoded decode_utf8(std::string_view s, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[at + i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + n > s.size()) return {0, 0};
  char32_t point = lead & (0xffu >> (n + 1));
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    point = (point << 6) | (byte(i) & 0x3fu);
  }
  constexpr char32_t kLowest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < kLowest[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return {0, 0};
  return {point, n};
}

constexpr char kHex[] = "0123456789abcdef";
void append_hex(std::string& out, unsigned char c) {
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

// C1 controls, the characters that reorder or hide text on a terminal, and the two code points that
// are no characters and that XML refuses (a report for JUnit, a drawing).
bool is_unsafe(char32_t p) {
  return (p >= 0x80 && p < 0xa0) || (p >= 0x200b && p <= 0x200f) || (p >= 0x2028 && p <= 0x202e) ||
         (p >= 0x2066 && p <= 0x2069) || p == 0xfeff || p == 0xfffe || p == 0xffff;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), two_before(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) before[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_before[j - 2] + 1);
    }
    std::swap(two_before, before);
    std::swap(before, row);
  }
  return before[b.size()];
}

}  // namespace

std::string thousands(std::uint64_t n) {
  auto digits = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
  const std::string plural = many.empty() ? std::string(one) + "s" : std::string(many);
  return thousands(n) + ' ' + (n == 1 ? std::string(one) : plural);
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& unit : std::span(kSizeUnits).first(4))
    if (bytes >= unit.factor && bytes % unit.factor == 0)
      return std::to_string(bytes / unit.factor) + std::string(unit.name);
  return std::to_string(bytes) + "B";
}

std::string duration_text(Nanoseconds d) {
  const auto n = static_cast<std::uint64_t>(d.count());
  if (n == 0) return "0s";
  for (auto unit = std::rbegin(kDurationUnits); unit != std::rend(kDurationUnits); ++unit)
    if (n % unit->factor == 0) return std::to_string(n / unit->factor) + std::string(unit->name);
  return std::to_string(n) + "ns";
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizeUnits);
}

std::optional<Nanoseconds> parse_duration(std::string_view text) {
  const auto n = parse_with_unit(text, kDurationUnits);
  if (!n) return std::nullopt;
  return Nanoseconds(static_cast<std::int64_t>(*n));
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return n;
}

std::optional<double> parse_float(std::string_view text) {
  double n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size() || text.empty() || !std::isfinite(n))
    return std::nullopt;
  return n;
}

std::optional<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<unsigned> parse_mode(std::string_view text) {
  unsigned mode = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (ec != std::errc() || end != text.data() + text.size() || text.size() < 3 || text.size() > 4 ||
      mode > 0777)
    return std::nullopt;
  return mode;
}

std::optional<std::size_t> first_bad_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto d = decode_utf8(text, i);
    if (d.bytes == 0) return i;
    i += d.bytes;
  }
  return std::nullopt;
}

bool is_utf8(std::string_view text) { return !first_bad_utf8(text); }

namespace {

// Of nearly all texts that is all: plain characters that stay as they are.
std::size_t plain_beginning(std::string_view text) {
  const auto end = std::find_if(text.begin(), text.end(),
                                [](char c) { return c < 0x20 || c > 0x7e || c == '\\'; });
  return static_cast<std::size_t>(end - text.begin());
}

std::string escape(std::string_view payload, bool is_escaped) {
  const auto plain = plain_beginning(payload);
  std::string out(payload.substr(0, plain));
  out.reserve(payload.size());
  for (std::size_t i = plain; i < payload.size();) {
    const auto c = static_cast<unsigned char>(payload[i]);
    const auto d = decode_utf8(payload, i);
    if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\\' && !is_escaped)
      out += "\\\\";
    else if (d.bytes == 0 || c < 0x20 || c == 0x7f || is_unsafe(d.point)) {
      for (std::size_t k = 0; k < std::max<std::size_t>(d.bytes, 1); ++k) {
        out += "\\x";
        append_hex(out, static_cast<unsigned char>(payload[i + k]));
      }
    } else {
      out += payload.substr(i, d.bytes);
    }
    i += std::max<std::size_t>(d.bytes, 1);
  }
  return out;
}

}  // namespace

std::string escaped(std::string_view payload) { return escape(payload, false); }

std::string escaped_once(std::string_view text) { return escape(text, true); }

std::string quoted(std::string_view text) { return '\'' + escaped(text) + '\''; }

std::string hex_excerpt(std::span<const std::byte> bytes, std::size_t most) {
  std::string hex;
  std::string text;
  const auto shown = bytes.first(std::min(most, bytes.size()));
  for (const auto b : shown) {
    const auto c = std::to_integer<unsigned char>(b);
    if (!hex.empty()) hex += ' ';
    append_hex(hex, c);
    text += c >= 0x20 && c < 0x7f ? static_cast<char>(c) : '.';
  }
  return hex + (bytes.size() > most ? " ..." : "") + "  " + text;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto d = decode_utf8(text, i);
    if (c == '"')
      out += "\\\"";
    else if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (c < 0x20 || c == 0x7f) {
      out += "\\u00";
      append_hex(out, c);
    } else if (d.bytes == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out += text.substr(i, d.bytes);
    }
    i += std::max<std::size_t>(d.bytes, 1);
  }
  return out + '"';
}

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' || c == '\r';
  });
}

std::size_t display_width(std::string_view utf8) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto d = decode_utf8(utf8, i);
    if (d.bytes == 0) {
      ++width;
      ++i;
      continue;
    }
    // wcwidth knows only the locale's characters, and we run in any locale: East Asian wide ranges
    // are enough for a caret.
    const auto p = d.point;
    const bool combining = (p >= 0x300 && p < 0x370) || p == 0x200d || (p >= 0xfe00 && p < 0xfe10);
    const bool wide = (p >= 0x1100 && p < 0x1160) || (p >= 0x2e80 && p < 0xa4d0) ||
                      (p >= 0xac00 && p < 0xd7a4) || (p >= 0xf900 && p < 0xfb00) ||
                      (p >= 0xfe30 && p < 0xfe70) || (p >= 0xff00 && p < 0xff61) ||
                      (p >= 0x1f300 && p < 0x1f650) || (p >= 0x1f900 && p < 0x1fa00) ||
                      (p >= 0x20000 && p < 0x40000);
    width += combining ? 0 : wide ? 2 : 1;
    i += d.bytes;
  }
  return width;
}

std::optional<std::string> nearest(std::string_view mistyped,
                                   const std::vector<std::string>& candidates) {
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  if (mistyped.size() > 64)
    return std::nullopt;  // nobody mistypes that, and the distance is quadratic
  for (const auto& c : candidates) {
    if (c.size() > 64) continue;
    const auto distance = edit_distance(mistyped, c);
    const auto allowed = std::max<std::size_t>(1, std::max(mistyped.size(), c.size()) / 3);
    if (distance > allowed || distance >= std::max(mistyped.size(), c.size())) continue;
    if (!best || distance < best_distance) {
      best = &c;
      best_distance = distance;
    }
  }
  if (!best) return std::nullopt;
  return *best;
}

std::vector<std::string> lines_in(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const auto& p : parts) {
    if (!out.empty()) out += separator;
    out += p;
  }
  return out;
}

}  // namespace standpipe
