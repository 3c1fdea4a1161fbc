// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

// "{time} {source}: {payload}", read once when the handler is made. {{ and }} are literal braces. A newline is added to a template
// that does not end in one, because a message a line is what everybody means.
class Template {
 public:
  enum class Part { literal, source, sequence, time, size, payload };
  struct Piece {
    Part part = Part::literal;
    std::string text;  // of a literal
  };

  // Throws standpipe::fatal that says what is wrong and what is known.
  explicit Template(std::string_view text);
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  void add_literal(std::string_view text);
  std::string_view take_placeholder(std::string_view rest);

  std::vector<Piece> pieces_;
};
