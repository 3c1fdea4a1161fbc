// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "match/json.h"
#include "match/number.h"

namespace standpipe::match {
namespace {

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Reads one document, without recursion: what is open stands in a list.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}
  // How far it is JSON.
  std::size_t run();

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }
  bool word(std::string_view word);
  bool digits();
  bool number();
  bool escape();
  bool string();
  bool key();
  bool scalar();
  bool value();
  bool close_or_continue();

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<char> open_;  // the brackets that close
};

bool Checker::word(std::string_view word) {
  for (const char c : word)
    if (!take(c)) return false;
  return true;
}

bool Checker::digits() {
  if (!is_digit(peek())) return false;
  while (is_digit(peek())) ++at_;
  return true;
}

bool Checker::number() {
  take('-');
  if (!take('0') && !digits()) return false;
  if (take('.') && !digits()) return false;
  if (!take('e') && !take('E')) return true;
  if (!take('+')) take('-');
  return digits();
}

bool Checker::escape() {
  if (!take('u')) {
    if (at_ == text_.size() || std::string_view("\"\\/bfnrt").find(peek()) == std::string::npos)
      return false;
    ++at_;
    return true;
  }
  for (int i = 0; i < 4; ++i, ++at_)
    if (!is_hex(peek())) return false;
  return true;
}

bool Checker::string() {
  while (at_ < text_.size() && static_cast<unsigned char>(peek()) >= 0x20) {
    if (take('"')) return true;
    if (take('\\')) {
      if (!escape()) return false;
    } else {
      ++at_;
    }
  }
  return false;
}

bool Checker::scalar() {
  switch (peek()) {
    case '"':
      ++at_;
      return string();
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    default:
      return number();
  }
}

bool Checker::key() {
  skip_space();
  if (!take('"') || !string()) return false;
  skip_space();
  return take(':');
}

// Up to the end of the value, or into the list or map that it begins.
bool Checker::value() {
  for (;;) {
    skip_space();
    if (take('[')) {
      open_.push_back(']');
      skip_space();
      if (peek() == ']') return true;
    } else if (take('{')) {
      open_.push_back('}');
      skip_space();
      if (peek() == '}') return true;
      if (!key()) return false;
    } else {
      return scalar();
    }
  }
}

// After a value: closes what ends there. true: another value follows, or nothing is open.
bool Checker::close_or_continue() {
  while (!open_.empty()) {
    skip_space();
    if (take(',')) return open_.back() == ']' || key();
    if (!take(open_.back())) return false;
    open_.pop_back();
  }
  return true;
}

std::size_t Checker::run() {
  do {
    if (!value() || !close_or_continue()) return at_;
  } while (!open_.empty());
  skip_space();
  return at_;
}

}  // namespace

std::size_t find_json_error(std::string_view text) {
  const auto stopped = Checker(text).run();
  return std::min(stopped, first_bad_utf8(text).value_or(text.size()));
}

}  // namespace standpipe::match
