// SPDX-License-Identifier: Apache-2.0
#include "cli/show.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace standpipe::cli {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::uint32_t byte_at(std::string_view s, std::size_t i) {
  return i < s.size() ? static_cast<unsigned char>(s[i]) : 0;
}

std::string dump_line(std::size_t offset, std::string_view bytes) {
  char start[24];
  std::snprintf(start, sizeof start, "%08zx ", offset);
  std::string hex = start;
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    hex += i == 8 ? "  " : " ";
    if (i >= bytes.size()) {
      hex += "  ";
      continue;
    }
    const auto c = byte_at(bytes, i);
    hex += kDigits[c >> 4];
    hex += kDigits[c & 15];
    text += c >= 0x20 && c < 0x7f ? bytes[i] : '.';
  }
  return hex + "  |" + text + "|\n";
}

std::string payload_json(std::string_view payload) {
  const auto size = "{\"size\":" + std::to_string(payload.size());
  if (is_utf8(payload)) return size + ",\"text\":" + json_string(payload) + "}\n";
  return size + ",\"base64\":\"" + base64(payload) + "\"}\n";
}

}  // namespace

void show_payload(StandardOutput& out, std::string_view payload, Format format) {
  switch (format) {
    case Format::hex:
      out.write(counted(payload.size(), "byte") + '\n');
      return out.write(hex_dump(payload));
    case Format::json:
      return out.write(payload_json(payload));
    case Format::raw:
      if (!out.is_terminal()) return out.write(payload);
      [[fallthrough]];
    case Format::text:
      if (out.is_terminal())
        out.write(escaped(payload));
      else
        out.write(payload);
      out.write("\n");
  }
}

std::string hex_dump(std::string_view payload) {
  std::string out;
  for (std::size_t at = 0; at < payload.size(); at += 16)
    out += dump_line(at, payload.substr(at, 16));
  return out;
}

std::string base64(std::string_view payload) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((payload.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < payload.size(); i += 3) {
    const auto group =
        byte_at(payload, i) << 16 | byte_at(payload, i + 1) << 8 | byte_at(payload, i + 2);
    const auto left = payload.size() - i;
    out += kLetters[group >> 18];
    out += kLetters[group >> 12 & 63];
    out += left > 1 ? kLetters[group >> 6 & 63] : '=';
    out += left > 2 ? kLetters[group & 63] : '=';
  }
  return out;
}

std::string padded(std::string text, std::size_t columns) {
  const auto used = display_width(text);
  if (used < columns) text.append(columns - used, ' ');
  return text;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\\', at), text.size());
    out += escaped(text.substr(at, end - at));
    if (end < text.size()) out += '\\';
    at = end + 1;
  }
  return out;
}

std::string printable_lines(std::string_view text, std::string_view margin) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) out.append(margin).append(printable(text.substr(0, end)));
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string short_number(double n) {
  char text[32];
  const char* unit = n >= 1e6 ? "M" : n >= 1e4 ? "k" : "";
  const double scaled = n >= 1e6 ? n / 1e6 : n >= 1e4 ? n / 1e3 : n;
  std::snprintf(text, sizeof text,
                scaled < 10 && scaled != std::floor(scaled) ? "%.1f%s" : "%.0f%s", scaled, unit);
  return text;
}

std::string short_age(Nanoseconds age) {
  const auto ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(age).count());
  const auto in = [&](std::uint64_t unit, const char* letter) {
    return std::to_string(ms / unit) + letter;
  };
  if (ms < 1000) return in(1, "ms");
  if (ms < 100'000) return in(1000, "s");
  if (ms < 100 * 60'000) return in(60'000, "m");
  return ms < 100 * 3'600'000ULL ? in(3'600'000, "h") : in(86'400'000, "d");
}

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+:,@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(word);
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace standpipe::cli
