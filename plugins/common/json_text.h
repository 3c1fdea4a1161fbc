// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace common {

// A JSON pointer (RFC 6901), "/device/id" or "/readings/0", with ~1 for a slash and ~0 for a tilde
// in a name. The empty text is the whole document.
class JsonPointer {
 public:
  // nullopt: it is none. It does not begin with a slash, or a tilde has neither 0 nor 1 after it.
  static std::optional<JsonPointer> parse(std::string_view text);
  const std::vector<std::string>& steps() const { return steps_; }  // unescaped

 private:
  std::vector<std::string> steps_;
};

// One JSON text after the other, each to be looked into. The only place of the plugins that knows
// the parser. A text that is broken anywhere is no JSON; neither is one that nests deeper than
// 1,024.
//
// Memory: about ten times the largest text so far. One thread at a time.
class JsonText {
 public:
  static constexpr std::size_t kBytesMax = 1 << 20;  // larger ones are not looked into

  explicit JsonText(std::size_t bytes_max = kBytesMax);
  ~JsonText();
  JsonText(JsonText&&) noexcept;
  JsonText& operator=(JsonText&&) noexcept;

  // Copies what it needs. false: it is no JSON, or larger than bytes_max.
  bool parse(std::string_view text);
  // What is there in the text that was parsed last, until the next call: a string without its
  // quotes and escapes; a number, true or false as JSON writes them (a number with a fraction in
  // the shortest form that reads back as the same, what is too large for that as it was written); a
  // list or an object as JSON without spaces. nullopt: nothing is there, or null. Where an object
  // has a name twice, the last one counts.
  std::optional<std::string_view> find(const JsonPointer& pointer);

 private:
  struct Parser;
  std::size_t bytes_max_;
  std::unique_ptr<Parser> parser_;
  std::string text_;  // of a value that is not a string
};

}  // namespace common
