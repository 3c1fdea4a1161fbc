// SPDX-License-Identifier: Apache-2.0
#include "match/number.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace standpipe::match {
namespace {

// Larger ones are no numbers that anybody has; they have this.
constexpr std::int64_t kExponentMax = std::int64_t{1} << 60;

constexpr std::size_t kDoubleDigits = std::numeric_limits<double>::max_digits10;

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t n = 0;
  while (at + n < text.size() && is_digit(text[at + n])) ++n;
  return n;
}

// A number by JSON's grammar, in its parts.
struct Number {
  bool negative = false;
  std::string_view whole, fraction, exponent;  // the last with its sign; empty: not given
};

std::optional<Number> number_of(std::string_view text) {
  Number number;
  std::size_t at = 0;
  const auto take_digits = [&] {
    const auto digits = text.substr(at, digits_at(text, at));
    at += digits.size();
    return digits;
  };
  if (text.starts_with('-')) number.negative = ++at;
  number.whole = take_digits();
  if (number.whole.empty() || (number.whole[0] == '0' && number.whole.size() > 1))
    return std::nullopt;
  if (at < text.size() && text[at] == '.') {
    ++at;
    number.fraction = take_digits();
    if (number.fraction.empty()) return std::nullopt;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const auto begin = ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (take_digits().empty()) return std::nullopt;
    number.exponent = text.substr(begin, at - begin);
  }
  return at == text.size() ? std::optional(number) : std::nullopt;
}

template <class T>
std::optional<T> parsed(std::string_view text) {
  T value{};
  const auto error = std::from_chars(text.data(), text.data() + text.size(), value).ec;
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

// What it is if nothing of it need be rounded away for being too large.
std::optional<Value> exact_or_double(const Number& number, std::string_view text) {
  if (!number.fraction.empty() || !number.exponent.empty()) {
    const auto real = parsed<double>(text);
    return real ? std::optional(Value::number(*real)) : std::nullopt;
  }
  if (const auto integer = parsed<std::int64_t>(text)) return Value::integer(*integer);
  const auto natural = parsed<std::uint64_t>(text);
  return natural ? std::optional(Value::natural(*natural)) : std::nullopt;
}

std::int64_t exponent_of(const Number& number) {
  auto text = number.exponent;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return 0;
  const auto exponent = parsed<std::int64_t>(text);
  if (!exponent) return text[0] == '-' ? -kExponentMax : kExponentMax;
  return std::clamp(*exponent, -kExponentMax, kExponentMax);
}

// A number that is larger than what has 64 bits, or than a double.
Value by_digits(const Number& number, std::string& digits) {
  const auto begin = digits.size();
  digits += number.whole;
  digits += number.fraction;
  auto mine = std::string_view(digits).substr(begin);
  const auto zeros = std::min(mine.find_first_not_of('0'), mine.size());
  mine.remove_prefix(zeros);
  mine = mine.substr(0, mine.find_last_not_of('0') + 1);
  const auto exponent = exponent_of(number) + static_cast<std::int64_t>(number.whole.size()) -
                        static_cast<std::int64_t>(zeros);
  if (mine.empty() || exponent <= 0) return Value::integer(0);  // smaller than any double
  const auto huge = Value::huge(number.negative, exponent, mine);
  // One form each: what is a double's text is that double.
  const auto written = (number.negative ? "-0." : "0.") +
                       std::string(mine.substr(0, kDoubleDigits)) + 'e' + std::to_string(exponent);
  const auto nearest = mine.size() <= kDoubleDigits ? parsed<double>(written) : std::nullopt;
  return nearest && (Value::number(*nearest) <=> huge) == 0 ? Value::number(*nearest) : huge;
}

bool is_stand_in(double number) {
  return number != 0 && std::abs(number) < std::numeric_limits<double>::min();
}

std::size_t string_bytes(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return text.size();
}

}  // namespace

bool is_json_number(std::string_view text) { return number_of(text).has_value(); }

std::optional<Value> json_number(std::string_view text, std::string& digits) {
  const auto number = number_of(text);
  if (!number) return std::nullopt;
  const auto value = exact_or_double(*number, text);
  return value ? value : by_digits(*number, digits);
}

std::size_t LargeNumbers::append_number(std::string_view text, std::string& out) {
  const auto end = std::min(text.find_first_not_of("+-.0123456789eE"), text.size());
  const auto token = text.substr(0, end);
  const auto number = number_of(token);
  const auto value = number ? exact_or_double(*number, token) : std::nullopt;
  const bool is_tiny = value && value->kind() == Value::Kind::real &&
                       is_stand_in(std::bit_cast<double>(value->bits()));
  if (!number || (value && !is_tiny)) {
    out += token;
    return end;
  }
  numbers_.push_back(value ? *value : by_digits(*number, digits_));
  char stand_in[40];
  const auto written = std::to_chars(stand_in, stand_in + sizeof stand_in,
                                     std::bit_cast<double>(std::uint64_t{numbers_.size()}),
                                     std::chars_format::scientific);
  out.append(stand_in, written.ptr);
  return end;
}

bool LargeNumbers::replace(std::string_view text, std::string& out) {
  out.clear();
  numbers_.clear();
  digits_.clear();
  digits_.reserve(text.size());  // so that they stay where they are
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '-' || is_digit(text[i])) {
      i += append_number(text.substr(i), out);
      continue;
    }
    const auto bytes = text[i] == '"' ? string_bytes(text.substr(i)) : 1;
    out += text.substr(i, bytes);
    i += bytes;
  }
  return !numbers_.empty();
}

Value LargeNumbers::number(double in_copy) const {
  if (!is_stand_in(in_copy)) return Value::number(in_copy);
  return numbers_[std::bit_cast<std::uint64_t>(in_copy) - 1];
}

}  // namespace standpipe::match
