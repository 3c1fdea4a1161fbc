// SPDX-License-Identifier: Apache-2.0
#include "common/show.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "common/escape.h"
#include "common/utf8.h"

namespace common {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

unsigned char byte_at(std::string_view s, std::size_t i) {
  return static_cast<unsigned char>(s[i]);
}

void add_hex(std::string& out, unsigned char c) {
  out += kHexDigits[c >> 4];
  out += kHexDigits[c & 15];
}

std::string hex_escape(char c) {
  std::string out = "\\x";
  add_hex(out, static_cast<unsigned char>(c));
  return out;
}

char* put_base64(char* to, const char* three) {
  const auto get = [&](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(three[i])};
  };
  const auto bits = get(0) << 16 | get(1) << 8 | get(2);
  for (const unsigned shift : {18u, 12u, 6u, 0u}) *to++ = kBase64Digits[bits >> shift & 63];
  return to;
}

char* put_base64_rest(char* to, std::string_view one_or_two) {
  char three[3] = {};
  one_or_two.copy(three, sizeof three);
  char* const end = put_base64(to, three);
  for (auto missing = sizeof three - one_or_two.size(); missing > 0; --missing)
    *(end - missing) = '=';
  return end;
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
  if (is_utf8(payload)) return append_escaped(out, payload, kTerminalEscapes);
  std::size_t shown = 0;
  for (std::size_t i = 0; i < payload.size();) {
    const auto c = character_at(payload, i);
    if (c.bytes == 0) {
      append_escaped(out, payload.substr(shown, i - shown), kTerminalEscapes);
      out.append(hex_escape(payload[i]));
      shown = i + 1;
    }
    i += std::max<std::size_t>(c.bytes, 1);
  }
  append_escaped(out, payload.substr(shown), kTerminalEscapes);
}

void show_json_string(Spool& out, std::string_view utf8) {
  out.append("\"");
  append_escaped(out, utf8, kJsonEscapes);
  out.append("\"");
}

void show_base64(Spool& out, std::string_view payload) {
  constexpr std::size_t kPiece = 3 * 1024;
  while (!payload.empty()) {
    const auto now = payload.substr(0, kPiece);
    char* to = out.room(kPiece / 3 * 4);
    std::size_t i = 0;
    for (; i + 3 <= now.size(); i += 3) to = put_base64(to, now.data() + i);
    if (i < now.size()) to = put_base64_rest(to, now.substr(i));
    out.wrote(to);
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
  for (std::size_t at = 0; at < payload.size(); at += 16)
    out.append(dump_line(at, payload.substr(at, 16)));
}

}  // namespace common
