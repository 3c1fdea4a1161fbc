// SPDX-License-Identifier: Apache-2.0
#include "common/show.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "common/utf8.h"

namespace common {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

unsigned char byte_at(std::string_view s, std::size_t i) { return static_cast<unsigned char>(s[i]); }

void add_hex(std::string& out, unsigned char c) {
  out += kHexDigits[c >> 4];
  out += kHexDigits[c & 15];
}

std::string_view short_escape(char32_t point) {
  switch (point) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    default:
      return {};
  }
}

std::string hex_escape(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out += "\\x";
    add_hex(out, byte_at(bytes, i));
  }
  return out;
}

std::string unicode_escape(char32_t point) {  // everything that rewrites_screen knows has at most 16 bits
  std::string out = "\\u";
  add_hex(out, static_cast<unsigned char>(point >> 8));
  add_hex(out, static_cast<unsigned char>(point & 0xff));
  return out;
}

// Passes runs of harmless text on whole; asks `replace(character, its bytes)` for the rest: what stands for it, or empty when
// harmless.
template <class Replace>
void show_runs(Spool& out, std::string_view text, Replace replace) {
  std::size_t shown = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = character_at(text, i);
    const auto bytes = std::max<std::size_t>(c.bytes, 1);
    const std::string instead = replace(c, text.substr(i, bytes));
    if (!instead.empty()) {
      out.append(text.substr(shown, i - shown));
      out.append(instead);
      shown = i + bytes;
    }
    i += bytes;
  }
  out.append(text.substr(shown));
}

std::array<char, 4> base64_group(std::string_view s) {  // of one to three bytes
  const auto get = [&](std::size_t i) { return i < s.size() ? std::uint32_t{byte_at(s, i)} : 0u; };
  const std::uint32_t bits = get(0) << 16 | get(1) << 8 | get(2);
  return {kBase64Digits[bits >> 18], kBase64Digits[bits >> 12 & 63], s.size() > 1 ? kBase64Digits[bits >> 6 & 63] : '=',
          s.size() > 2 ? kBase64Digits[bits & 63] : '='};
}

std::string dump_line(std::size_t offset, std::string_view bytes) {
  std::array<char, 24> start;
  std::snprintf(start.data(), start.size(), "%08zx ", offset);
  std::string hex = start.data();
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) {
    hex += i == 8 ? "  " : " ";
    if (i >= bytes.size()) {
      hex += "  ";
      continue;
    }
    const auto c = byte_at(bytes, i);
    add_hex(hex, c);
    text += c >= 0x20 && c < 0x7f ? static_cast<char>(c) : '.';
  }
  return hex + "  |" + text + "|\n";
}

}  // namespace

void show_escaped(Spool& out, std::string_view payload) {
  show_runs(out, payload, [](const Character& c, std::string_view bytes) {
    if (c.bytes == 0) return hex_escape(bytes);
    if (const auto known = short_escape(c.point); !known.empty()) return std::string(known);
    return rewrites_screen(c.point) ? hex_escape(bytes) : std::string();
  });
}

void show_json_string(Spool& out, std::string_view utf8) {
  out.append("\"");
  show_runs(out, utf8, [](const Character& c, std::string_view) {
    if (c.point == '"') return std::string("\\\"");
    if (const auto known = short_escape(c.point); !known.empty()) return std::string(known);
    return rewrites_screen(c.point) ? unicode_escape(c.point) : std::string();
  });
  out.append("\"");
}

void show_base64(Spool& out, std::string_view payload) {
  constexpr std::size_t kPiece = 3 * 1024;
  std::string piece;
  while (!payload.empty()) {
    piece.clear();
    const auto now = payload.substr(0, kPiece);
    for (std::size_t i = 0; i < now.size(); i += 3) {
      const auto group = base64_group(now.substr(i, 3));
      piece.append(group.data(), group.size());
    }
    out.append(piece);
    payload.remove_prefix(now.size());
  }
}

void show_hex(Spool& out, std::string_view payload) {
  constexpr std::size_t kPiece = 1024;
  std::string piece;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    if (i) piece += ' ';
    add_hex(piece, byte_at(payload, i));
    if (piece.size() < kPiece) continue;
    out.append(piece);
    piece.clear();
  }
  out.append(piece);
}

void show_hex_dump(Spool& out, std::string_view payload) {
  for (std::size_t at = 0; at < payload.size(); at += 16) out.append(dump_line(at, payload.substr(at, 16)));
}

}  // namespace common
