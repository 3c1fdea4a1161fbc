// SPDX-License-Identifier: Apache-2.0
#include "line.h"

#include <cstdint>

#include "common/json_scan.h"
#include "common/rfc3339.h"

namespace {

using common::json_members;
using common::json_string;
using common::JsonMember;

// A value of metadata, or a payload: a text, or {"base64": "..."}.
std::optional<std::string> value_at(std::string_view json, std::size_t begin) {
  if (json[begin] == '"')
    return json_string(json.substr(begin, common::json_value_end(json, begin) - begin));
  for (const auto& member : json_members(json, begin))
    if (json_string(member.name(json)) == "base64")
      if (const auto text = json_string(member.value_in(json))) return from_base64(*text);
  return std::nullopt;
}

bool read_meta(std::string_view json, std::size_t begin, Record& record) {
  if (json[begin] != '{') return false;
  for (const auto& member : json_members(json, begin)) {
    const auto name = json_string(member.name(json));
    const bool is_list = json[member.value] == '[';
    const auto values =
        is_list ? json_members(json, member.value) : std::vector<JsonMember>{member};
    for (const auto& one : values) {
      auto value = value_at(json, one.value);
      if (!name || !value) return false;
      record.meta.emplace_back(*name, std::move(*value));
    }
  }
  return true;
}

constexpr std::uint32_t kNoDigit = 64;

std::uint32_t digit(char c) {
  const auto from = [c](char first, unsigned value) {
    return value + static_cast<std::uint32_t>(c - first);
  };
  if (c >= 'A' && c <= 'Z') return from('A', 0);
  if (c >= 'a' && c <= 'z') return from('a', 26);
  if (c >= '0' && c <= '9') return from('0', 52);
  if (c == '+') return 62;
  return c == '/' ? 63 : kNoDigit;
}

}  // namespace

std::string_view Lines::parse(std::string_view line, Record& record) {
  record = {};
  if (!json_.parse(line)) return "it is no JSON";
  const auto begin = common::skip_json_space(line, 0);
  if (line[begin] != '{') return "it is no JSON object";
  std::optional<std::string> payload;
  for (const auto& member : json_members(line, begin)) {
    const auto name = member.name(line);
    const auto text = json_string(member.value_in(line));
    if (name == "\"text\"") payload = text;
    if (name == "\"base64\"") payload = text ? from_base64(*text) : std::nullopt;
    if (name == "\"time\"" && text) record.time = common::parse_rfc3339(*text);
    if (name == "\"meta\"" && !read_meta(line, member.value, record))
      return "its \"meta\" is none that a log writes";
  }
  if (!payload) return "it has neither a \"text\" nor a \"base64\" with a payload";
  record.payload = std::move(*payload);
  return {};
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=') && text.size() % 4 != 2) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto value = digit(c);
    if (value == kNoDigit) return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return out;
}
