// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <utility>

#include "common/json_scan.h"

JsonValue JsonValue::operator[](std::string_view name) const {
  if (json_.empty() || json_[begin_] != '{') return {};
  JsonValue found;
  for (const auto& member : common::json_members(json_, begin_)) {
    const auto quoted = member.name(json_);
    if (quoted.substr(1, quoted.size() - 2) == name || common::json_string(quoted) == name)
      found = JsonValue(json_, member.value);
  }
  return found;
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> all;
  if (json_.empty() || json_[begin_] != '[') return all;
  for (const auto& member : common::json_members(json_, begin_))
    all.emplace_back(json_, member.value);
  return all;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::fields() const {
  std::vector<std::pair<std::string, JsonValue>> all;
  if (json_.empty() || json_[begin_] != '{') return all;
  for (const auto& member : common::json_members(json_, begin_))
    all.emplace_back(common::json_string(member.name(json_)).value_or(""),
                     JsonValue(json_, member.value));
  return all;
}

std::string JsonValue::text() const {
  if (json_.empty()) return {};
  const auto whole = json_.substr(begin_, common::json_value_end(json_, begin_) - begin_);
  return whole.starts_with('"') ? common::json_string(whole).value_or("") : std::string(whole);
}

bool JsonValue::is_true() const { return text() == "true"; }

JsonValue JsonReader::read(std::string_view json) {
  if (!check_.parse(json)) return {};
  return {json, common::skip_json_space(json, 0)};
}
