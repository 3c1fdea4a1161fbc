// SPDX-License-Identifier: Apache-2.0
#include "match/value.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <compare>
#include <string>

#include "base/text.h"

namespace standpipe::match {
namespace {

constexpr std::size_t kShownBytesMax = 64;
constexpr std::int64_t kShownDigitsMax = 64;
constexpr std::size_t kShownDigitsOfMany = 16;

// `real` is no integer of 64 bits. If it is within their range, it is a fraction, so it is below
// 2^53 and its floor is exact.
std::partial_ordering order(const Value& integer, double real) {
  if (real >= kTwo64) return std::partial_ordering::less;
  if (real < -kTwo63) return std::partial_ordering::greater;
  if (integer.kind() == Value::Kind::large) return std::partial_ordering::greater;
  const auto floor = static_cast<std::int64_t>(std::floor(real));
  return static_cast<std::int64_t>(integer.bits()) <= floor ? std::partial_ordering::less
                                                            : std::partial_ordering::greater;
}

// A number by its digits, as Value::huge has them.
struct Decimal {
  bool negative;
  std::int64_t exponent;
  std::string_view digits;

  std::strong_ordering operator<=>(const Decimal& other) const {
    if (negative != other.negative) return other.negative <=> negative;
    const auto size =
        exponent != other.exponent ? exponent <=> other.exponent : digits <=> other.digits;
    return negative ? 0 <=> size : size;
  }
};

// Of a double that is not 0, by its shortest text: -1.25e+30.
Decimal decimal_of(double number, std::string& digits) {
  char text[40];
  const auto end =
      std::to_chars(text, text + sizeof text, number, std::chars_format::scientific).ptr;
  Decimal decimal{.negative = number < 0, .exponent = 0, .digits = {}};
  const char* at = text;
  for (; *at != 'e'; ++at)
    if (*at >= '0' && *at <= '9') digits += *at;
  if (*++at == '+') ++at;
  std::from_chars(at, end, decimal.exponent);
  ++decimal.exponent;
  while (digits.ends_with('0')) digits.pop_back();
  decimal.digits = digits;
  return decimal;
}

Decimal decimal_of(const Value& huge) {
  return {.negative = (huge.bits() & 1) != 0,
          .exponent = static_cast<std::int64_t>(huge.bits() / 2),
          .digits = huge.text()};
}

// Whole, if a person can take it in.
std::string huge_text(const Value& huge) {
  const auto number = decimal_of(huge);
  const std::string sign = number.negative ? "-" : "";
  const auto size = static_cast<std::int64_t>(number.digits.size());
  if (number.exponent <= kShownDigitsMax && size <= number.exponent)
    return sign + std::string(number.digits) +
           std::string(static_cast<std::size_t>(number.exponent - size), '0');
  const std::string rest(number.digits.substr(1, kShownDigitsOfMany));
  return sign + number.digits[0] + (rest.empty() ? "" : '.' + rest) +
         (number.digits.size() > rest.size() + 1 ? "..." : "") + "e+" +
         std::to_string(number.exponent - 1);
}

std::string number_text(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  return {text, end};
}

std::string string_text(std::string_view text) {
  if (text.size() <= kShownBytesMax) return json_string(text);
  auto end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return json_string(text.substr(0, end)) + "... (" + thousands(text.size()) + " bytes)";
}

}  // namespace

Value Value::number(double value) {
  if (value == std::floor(value)) {
    if (value >= -kTwo63 && value < kTwo63) return integer(static_cast<std::int64_t>(value));
    if (value >= kTwo63 && value < kTwo64) return natural(static_cast<std::uint64_t>(value));
  }
  return Value(Kind::real, std::bit_cast<std::uint64_t>(value));
}

double Value::as_real() const { return std::bit_cast<double>(bits_); }

bool Value::operator==(const Value& other) const {
  if (kind_ != other.kind_ || kind_ == Kind::array || kind_ == Kind::object) return false;
  return bits_ == other.bits_ && text_ == other.text_;
}

std::partial_ordering Value::operator<=>(const Value& other) const {
  if (is_string() && other.is_string()) return text_.compare(other.text_) <=> 0;
  if (!is_number() || !other.is_number())
    return *this == other ? std::partial_ordering::equivalent : std::partial_ordering::unordered;
  if (kind_ == Kind::huge || other.kind_ == Kind::huge) return order_huge(other);
  if (kind_ == Kind::real && other.kind_ == Kind::real) return as_real() <=> other.as_real();
  if (kind_ == Kind::real) return 0 <=> order(other, as_real());
  if (other.kind_ == Kind::real) return order(*this, other.as_real());
  if (kind_ != other.kind_)
    return kind_ == Kind::large ? std::partial_ordering::greater : std::partial_ordering::less;
  if (kind_ == Kind::large) return bits_ <=> other.bits_;
  return static_cast<std::int64_t>(bits_) <=> static_cast<std::int64_t>(other.bits_);
}

// One of them is huge, and so beyond all integers of 64 bits.
std::partial_ordering Value::order_huge(const Value& other) const {
  if (kind_ != Kind::huge) return 0 <=> other.order_huge(*this);
  const bool negative = (bits_ & 1) != 0;
  if (other.kind_ == Kind::huge) return decimal_of(*this) <=> decimal_of(other);
  std::string digits;
  if (other.kind_ == Kind::real) return decimal_of(*this) <=> decimal_of(other.as_real(), digits);
  return negative ? std::partial_ordering::less : std::partial_ordering::greater;
}

std::string Value::shown() const {
  switch (kind_) {
    case Kind::missing:
      return "nothing";
    case Kind::null:
      return "null";
    case Kind::boolean:
      return bits_ ? "true" : "false";
    case Kind::integer:
      return std::to_string(static_cast<std::int64_t>(bits_));
    case Kind::large:
      return std::to_string(bits_);
    case Kind::real:
      return number_text(as_real());
    case Kind::huge:
      return huge_text(*this);
    case Kind::string:
      return string_text(text_);
    case Kind::array:
      return "an array";
    case Kind::object:
      break;
  }
  return "an object";
}

}  // namespace standpipe::match
