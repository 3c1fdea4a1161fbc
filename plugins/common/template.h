// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json_text.h"

namespace common {

// A text with placeholders, "{time} {source}: {json:/device|unknown}", as plugins/TEMPLATES.md has
// them for users. It is read once, when a handler is made; Fields says what stands for a
// placeholder in a message.
class Template {
 public:
  enum class Part { literal, source, sequence, time, size, payload, json, meta };
  struct Piece {
    Part part = Part::literal;
    std::string text = {};     // of a literal; else the placeholder as it was written, with braces
    std::string name = {};     // of metadata
    JsonPointer pointer = {};  // of a JSON value
    std::optional<std::string> fallback = {};  // instead of what a message does not have
  };
  // The option that has the template, for messages, and which placeholders mean something there.
  struct Place {
    std::string_view option;
    std::vector<Part> allowed;
  };

  // Throws standpipe::fatal that names the option, says what is wrong and what is known.
  Template(std::string_view text, Place place);
  const std::vector<Piece>& pieces() const { return pieces_; }
  // Appends to the last literal, or begins one.
  void add_literal(std::string_view text);
  bool has_placeholders() const;

 private:
  std::string_view parse_placeholder(std::string_view rest);
  Piece placeholder(std::string_view inside) const;
  [[noreturn]] void refuse(const std::string& what) const;

  Place place_;
  std::vector<Piece> pieces_;
};

}  // namespace common
