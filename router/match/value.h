// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace standpipe::match {

constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

// One value as conditions see it: of a JSON document, of a payload as text, of metadata, or what a
// condition wants. Text is borrowed.
//
// Numbers have one form each, so that equal numbers are equal here: a number that is an integer of
// 64 bits is one, however it was written (1, 1.0 and 10e-1), and nothing of it is rounded. A larger
// one is its digits, and so is what no double comes near (1e999). Others are IEEE doubles, which
// stand for their shortest text: so 1e30 is 1 and 30 zeros.
class Value {
 public:
  enum class Kind : std::uint8_t {
    missing,  // there is nothing
    null,
    boolean,
    integer,  // fits std::int64_t
    large,    // an integer above that, fits std::uint64_t
    real,     // a double, but no integer of 64 bits
    huge,     // beyond 64 bits, and no double's text
    string,
    array,
    object,
  };

  Value() = default;  // missing
  static Value null() { return Value(Kind::null, 0); }
  static Value array() { return Value(Kind::array, 0); }
  static Value object() { return Value(Kind::object, 0); }
  static Value boolean(bool value) { return Value(Kind::boolean, value); }
  static Value integer(std::int64_t value) {
    return Value(Kind::integer, static_cast<std::uint64_t>(value));
  }
  static Value natural(std::uint64_t value) {
    return Value(value > INT64_MAX ? Kind::large : Kind::integer, value);
  }
  static Value number(double value);  // finite
  // 0.DIGITS * 10^exponent, without zeros at either end of the digits, which are borrowed. Use
  // json_number, which knows when a number is one.
  static Value huge(bool negative, std::int64_t exponent, std::string_view digits) {
    Value value(Kind::huge, static_cast<std::uint64_t>(exponent) * 2 + (negative ? 1 : 0));
    value.text_ = digits;
    return value;
  }
  static Value string(std::string_view text) {
    Value value(Kind::string, 0);
    value.text_ = text;
    return value;
  }

  Kind kind() const { return kind_; }
  bool is_missing() const { return kind_ == Kind::missing; }
  bool is_number() const { return kind_ >= Kind::integer && kind_ <= Kind::huge; }
  bool is_string() const { return kind_ == Kind::string; }
  std::string_view text() const { return text_; }  // of a string; a huge number's digits
  // Equal values have the same, and text beside it.
  std::uint64_t bits() const { return bits_; }
  // The same value with that text, which is equal.
  Value with_text(std::string_view text) const {
    auto value = *this;
    value.text_ = text;
    return value;
  }

  // Of two numbers or two strings (by bytes). Others are unordered, unless they are equal.
  std::partial_ordering operator<=>(const Value& other) const;
  // Arrays and objects equal nothing.
  bool operator==(const Value& other) const;

  // As a person reads it: 12, "order", true, an object. Long text is cut. UTF-8, one line.
  std::string shown() const;

 private:
  Value(Kind kind, std::uint64_t bits) : kind_(kind), bits_(bits) {}
  double as_real() const;
  std::partial_ordering order_huge(const Value& other) const;

  Kind kind_ = Kind::missing;
  std::uint64_t bits_ = 0;
  std::string_view text_;
};

// What a condition wants; it owns its text.
class Operand {
 public:
  explicit Operand(const Value& value) : value_(value), text_(value.text()) {}
  Value value() const { return value_.with_text(text_); }

 private:
  Value value_;
  std::string text_;
};

}  // namespace standpipe::match
