// SPDX-License-Identifier: Apache-2.0
#include "common/json_scan.h"

#include <algorithm>
#include <charconv>

#include "common/escape.h"
#include "common/utf8.h"

namespace common {

std::size_t json_string_end(std::string_view text, std::size_t begin) {
  auto at = begin + 1;
  while (at < text.size()) {
    at = text.find_first_of("\"\\", at);
    if (at == text.npos) break;
    if (text[at] == '"') return at + 1;
    at += 2;  // what is escaped
  }
  return text.size();
}

namespace {

// Brackets are balanced, so it is enough to count them.
std::size_t container_end(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  for (auto at = begin; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = json_string_end(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return text.size();
}

void append_utf8(std::string& out, unsigned point) {
  const auto add = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      add(0xe0 | point >> 12);
    } else {
      add(0xf0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3f));
    }
    add(0x80 | (point >> 6 & 0x3f));
  }
  add(0x80 | (point & 0x3f));
}

// The four digits at `at`, if they are there.
std::optional<unsigned> hex4(std::string_view text, std::size_t at) {
  unsigned value = 0;
  const auto digits = text.substr(std::min(at, text.size()), 4);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || error != std::errc() || end != digits.data() + 4) return std::nullopt;
  return value;
}

// \uXXXX, or two of them for a character beyond the first 65,536; returns what comes behind it.
std::size_t append_code(std::string& out, std::string_view text, std::size_t at) {
  constexpr unsigned kReplacement = 0xfffd;
  const auto high = hex4(text, at);
  if (!high) return text.size();
  at += 4;
  if (*high < 0xd800 || *high > 0xdfff) {
    append_utf8(out, *high);
    return at;
  }
  const auto low = text.substr(at, 2) == "\\u" ? hex4(text, at + 2) : std::nullopt;
  if (*high > 0xdbff || !low || *low < 0xdc00 || *low > 0xdfff) {
    append_utf8(out, kReplacement);
    return at;
  }
  append_utf8(out, 0x10000 + ((*high - 0xd800) << 10) + (*low - 0xdc00));
  return at + 6;
}

char plain_escape(char c) {
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeaning = "\b\f\n\r\t";
  const auto i = kLetters.find(c);
  return i == kLetters.npos ? c : kMeaning[i];
}

}  // namespace

std::size_t skip_json_space(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

std::size_t json_value_end(std::string_view text, std::size_t begin) {
  if (begin >= text.size()) return text.size();
  if (text[begin] == '"') return json_string_end(text, begin);
  if (text[begin] == '{' || text[begin] == '[') return container_end(text, begin);
  return std::min(text.find_first_of(",]} \t\r\n", begin), text.size());
}

std::vector<JsonMember> json_members(std::string_view text, std::size_t begin) {
  std::vector<JsonMember> members;
  if (begin >= text.size() || (text[begin] != '{' && text[begin] != '[')) return members;
  const bool is_object = text[begin] == '{';
  auto at = skip_json_space(text, begin + 1);
  while (at < text.size() && text[at] != '}' && text[at] != ']') {
    JsonMember member{at, at, at, at};
    if (is_object) {
      member.name_end = json_string_end(text, at);
      member.value = skip_json_space(text, skip_json_space(text, member.name_end) + 1);
    }
    member.end = json_value_end(text, member.value);
    if (member.end <= member.begin) break;
    members.push_back(member);
    at = skip_json_space(text, member.end);
    if (at < text.size() && text[at] == ',') at = skip_json_space(text, at + 1);
  }
  return members;
}

std::optional<std::string> json_string(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != '"' || quoted.back() != '"') return std::nullopt;
  const auto inside = quoted.substr(1, quoted.size() - 2);
  std::string out;
  for (std::size_t at = 0; at < inside.size();) {
    const auto escape = std::min(inside.find('\\', at), inside.size());
    out += inside.substr(at, escape - at);
    at = escape + 2;
    if (escape + 1 >= inside.size()) break;
    if (inside[escape + 1] == 'u')
      at = append_code(out, inside, at);
    else
      out += plain_escape(inside[escape + 1]);
  }
  return out;
}

std::string json_quoted(std::string_view text) {
  if (is_utf8(text)) return '"' + escaped(text, kJsonEscapes) + '"';
  std::string valid;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = character_at(text, i);
    if (c.bytes == 0)
      valid += "\xef\xbf\xbd";
    else
      valid += text.substr(i, c.bytes);
    i += std::max<std::size_t>(c.bytes, 1);
  }
  return json_quoted(valid);
}

}  // namespace common
