// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/json_text.h"

namespace common {

// What is picked of a JSON text: a tree of the pointers' steps.
class JsonPicks {
 public:
  void add(const JsonPointer& pointer);
  bool empty() const { return next_.empty(); }

 private:
  friend class JsonEdit;
  bool is_whole_ = false;  // of the value here, everything
  std::map<std::string, JsonPicks, std::less<>> next_;
};

// A JSON text of which fields are changed. All else keeps its bytes: numbers their digits, strings
// their escapes, and what lies between them its spaces. Where an object has a name twice, the last
// one counts.
//
// Each change copies the text once.
class JsonEdit {
 public:
  // `text` must be what JsonText::parse has taken.
  explicit JsonEdit(std::string_view text) : text_(text) {}
  const std::string& text() const { return text_; }
  // Its outermost value is an object or a list.
  bool has_fields() const;

  // The bytes of the value there, until the next change.
  std::optional<std::string_view> find(const JsonPointer& pointer) const;
  // Leaves only what was picked, in the order in which it stands there.
  void pick(const JsonPicks& picks);
  // These do nothing where nothing is there. An item's removal moves those behind it.
  void remove(const JsonPointer& pointer);
  // The field is called so, in its object, instead of what was called so before. An item of a list
  // has no name.
  void rename(const JsonPointer& pointer, std::string_view name);
  // `json` stands there. Objects that are missing on the way are made; `-` is behind the last item
  // of a list. false: what is on the way is neither an object nor has such an item.
  bool set(const JsonPointer& pointer, std::string_view json);

 private:
  struct Spot;
  std::optional<Spot> locate(const JsonPointer& pointer, std::size_t steps) const;
  std::size_t root() const;
  bool remove_one(const JsonPointer& pointer);
  bool picked(const JsonPicks& picks, std::size_t value, std::string& out) const;
  bool add_member(std::size_t container, const std::string& step, const std::string& json);

  std::string text_;
};

}  // namespace common
