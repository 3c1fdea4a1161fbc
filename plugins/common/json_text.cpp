// SPDX-License-Identifier: Apache-2.0
#include "common/json_text.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "common/json_scan.h"

namespace common {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// "~1" and "~0" undone; nullopt: another letter stands after a tilde.
std::optional<std::string> unescaped(std::string_view step) {
  std::string out;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] != '~') {
      out += step[i];
      continue;
    }
    const auto next = ++i < step.size() ? step[i] : ' ';
    if (next != '0' && next != '1') return std::nullopt;
    out += next == '1' ? '/' : '~';
  }
  return out;
}

// The parser's own way to find a name takes the first of two.
std::optional<element> member(const element& value, std::string_view name) {
  std::optional<element> last;
  const simdjson::dom::object object = value.get_object().value_unsafe();
  for (const auto field : object)
    if (field.key == name) last = field.value;
  return last;
}

std::optional<element> item(const element& value, std::string_view number) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
  const bool is_index = error == std::errc() && end == number.data() + number.size() &&
                        (number.size() == 1 || number.front() != '0');
  element found;
  if (!is_index || value.get_array().value_unsafe().at(index).get(found)) return std::nullopt;
  return found;
}

std::optional<element> step_into(const element& value, const std::string& step) {
  if (value.is_object()) return member(value, step);
  if (value.is_array()) return item(value, step);
  return std::nullopt;
}

template <class Number>
std::string number_text(Number number) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

// The end of the number that begins there, by JSON's grammar; `begin` itself: it is none.
std::size_t number_end(std::string_view text, std::size_t begin) {
  const auto digits = [&](std::size_t at) {
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at;
  };
  auto at = begin + (text[begin] == '-' ? 1 : 0);
  const auto whole = digits(at);
  if (whole == at || (whole > at + 1 && text[at] == '0')) return begin;
  at = whole;
  if (at < text.size() && text[at] == '.') {
    const auto end = digits(at + 1);
    if (end == at + 1) return begin;
    at = end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const auto end = digits(at);
    if (end == at) return begin;
    at = end;
  }
  return at;
}

// An integer beyond 64 bits, or a number beyond a double's range: the parser takes neither.
bool is_too_large(std::string_view number) {
  const auto* const end = number.data() + number.size();
  if (number.find_first_of(".eE") == number.npos) {
    std::int64_t with_sign = 0;
    std::uint64_t without = 0;
    return std::from_chars(number.data(), end, with_sign).ec != std::errc() &&
           std::from_chars(number.data(), end, without).ec != std::errc();
  }
  double value = 0;
  return std::from_chars(number.data(), end, value).ec != std::errc();
}

bool is_name_before(std::string_view text, std::size_t end) {
  const auto next = text.find_first_not_of(" \t\r\n", end);
  return next != text.npos && text[next] == ':';
}

// The same text with such numbers in quotes, as they were written; empty: it has none. What is no
// JSON stays none, because a string may stand wherever a number may, and a number in the place of a
// name is left.
std::string with_large_numbers_quoted(std::string_view text) {
  std::string out;
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = json_string_end(text, at);
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      const auto end = std::max(number_end(text, at), at + 1);
      const auto number = text.substr(at, end - at);
      const bool ends = end == text.size() ||
                        std::string_view(" \t\r\n,]}").find(text[end]) != std::string_view::npos;
      if (ends && number.size() > 1 && is_too_large(number) && !is_name_before(text, end)) {
        out.append(text.substr(copied, at - copied)).append("\"").append(number).append("\"");
        copied = end;
      }
      at = end;
    } else {
      ++at;
    }
  }
  if (copied > 0) out += text.substr(copied);
  return out;
}

std::string text_of(const element& value) {
  switch (value.type()) {
    case element_type::INT64:
      return number_text(value.get_int64().value_unsafe());
    case element_type::UINT64:
      return number_text(value.get_uint64().value_unsafe());
    case element_type::DOUBLE:
      return number_text(value.get_double().value_unsafe());
    case element_type::BOOL:
      return value.get_bool().value_unsafe() ? "true" : "false";
    default:
      return simdjson::minify(value);
  }
}

}  // namespace

std::optional<JsonPointer> JsonPointer::parse(std::string_view text) {
  JsonPointer pointer;
  while (!text.empty()) {
    if (text.front() != '/') return std::nullopt;
    const auto end = std::min(text.find('/', 1), text.size());
    auto step = unescaped(text.substr(1, end - 1));
    if (!step) return std::nullopt;
    pointer.steps_.push_back(std::move(*step));
    text.remove_prefix(end);
  }
  return pointer;
}

struct JsonText::Parser {
  explicit Parser(std::size_t bytes_max) : parser(2 * bytes_max) {}  // quotes make it longer
  simdjson::dom::parser parser;
  std::optional<element> root;
};

JsonText::JsonText(std::size_t bytes_max)
    : bytes_max_(bytes_max), parser_(std::make_unique<Parser>(bytes_max)) {}
JsonText::~JsonText() = default;
JsonText::JsonText(JsonText&&) noexcept = default;
JsonText& JsonText::operator=(JsonText&&) noexcept = default;

bool JsonText::parse(std::string_view text) {
  parser_->root.reset();
  if (text.empty() || text.size() > bytes_max_) return false;
  element root;
  auto& parser = parser_->parser;
  if (!parser.parse(text.data(), text.size()).get(root)) {
    parser_->root = root;
    return true;
  }
  const auto quoted = with_large_numbers_quoted(text);
  if (quoted.empty() || parser.parse(quoted).get(root)) return false;
  parser_->root = root;
  return true;
}

std::optional<std::string_view> JsonText::find(const JsonPointer& pointer) {
  auto at = parser_->root;
  for (auto step = pointer.steps().begin(); at && step != pointer.steps().end(); ++step)
    at = step_into(*at, *step);
  if (!at || at->is_null()) return std::nullopt;
  if (at->is_string()) return at->get_string().value_unsafe();
  text_ = text_of(*at);
  return text_;
}

}  // namespace common
