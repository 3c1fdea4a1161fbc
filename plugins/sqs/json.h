// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_text.h"

// A value in a JSON text, which it borrows.
class JsonValue {
 public:
  JsonValue() = default;  // nothing: it has no fields, no items and an empty text
  JsonValue(std::string_view json, std::size_t begin) : json_(json), begin_(begin) {}

  JsonValue operator[](std::string_view name) const;  // of an object; nothing if it is not there
  std::vector<JsonValue> items() const;               // of a list
  std::vector<std::pair<std::string, JsonValue>> fields() const;  // of an object
  std::string text() const;  // of a string, without quotes and escapes; of a number, its digits
  bool is_true() const;
  explicit operator bool() const { return !json_.empty(); }

 private:
  std::string_view json_;
  std::size_t begin_ = 0;
};

// Checks one JSON text after the other, and finds its outermost value. Memory: see JsonText.
class JsonReader {
 public:
  static constexpr std::size_t kBytesMax = 64 << 20;  // ten messages of 1 MiB, all of it escaped

  // Nothing: it is no JSON, or empty, which some servers answer instead of {}.
  JsonValue read(std::string_view json);

 private:
  common::JsonText check_{kBytesMax};
};
