// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace standpipe::config {

// A JSON document that is put together in an order of its own and written for people: two spaces a
// level, and what is short on one line.
class JsonDocument {
 public:
  static JsonDocument object() { return JsonDocument(Kind::object, {}); }
  static JsonDocument list() { return JsonDocument(Kind::list, {}); }
  static JsonDocument text(std::string_view text);
  // Numbers, true, false: as they are written.
  static JsonDocument literal(std::string_view text) {
    return JsonDocument(Kind::scalar, std::string(text));
  }

  // Both return the document itself, so that additions can be chained.
  JsonDocument& set(std::string_view key, JsonDocument value);  // of an object
  JsonDocument& add(JsonDocument value);                        // to a list
  bool empty() const { return parts_.empty(); }

  std::string written() const { return written(0, 0); }

 private:
  enum class Kind { scalar, list, object };
  JsonDocument(Kind kind, std::string scalar) : kind_(kind), scalar_(std::move(scalar)) {}
  std::string on_one_line() const;
  std::string written(std::size_t indent, std::size_t used) const;

  Kind kind_;
  std::string scalar_;
  std::vector<std::pair<std::string, JsonDocument>> parts_;  // a list's have no key
};

}  // namespace standpipe::config
