// SPDX-License-Identifier: Apache-2.0
#include "match/number.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

using namespace standpipe::match;

namespace {

std::string read(std::string_view text) {
  std::string digits;
  const auto value = json_number(text, digits);
  CHECK(value.has_value() == is_json_number(text));
  return value ? value->shown() : "none";
}

// How two numbers compare: "<", "=" or ">".
std::string order(std::string_view a, std::string_view b) {
  std::string digits[2];
  const auto one = json_number(a, digits[0]).value(), other = json_number(b, digits[1]).value();
  CHECK((one == other) == ((one <=> other) == 0));
  CHECK((one <=> other) == (0 <=> (other <=> one)));
  return one < other ? "<" : one > other ? ">" : "=";
}

// The numbers of a list, as its copy has them.
std::string replaced(std::string_view list) {
  LargeNumbers large;
  std::string out, numbers;
  if (!large.replace(list, out)) return "nothing to do";
  REQUIRE((out.starts_with('[') && out.ends_with(']')));
  for (std::size_t i = 1; i < out.size(); i = std::min(out.find(',', i), out.size() - 1) + 1)
    numbers += (i > 1 ? "," : "") + large.number(std::strtod(out.c_str() + i, nullptr)).shown();
  return numbers;
}

}  // namespace

TEST_CASE("a number is read by JSON's grammar") {
  CHECK(read("0") == "0");
  CHECK(read("-0") == "0");
  CHECK(read("1.0") == "1");
  CHECK(read("1e3") == "1000");
  CHECK(read("10E-1") == "1");
  CHECK(read("0.5") == "0.5");
  CHECK(read("18446744073709551615") == "18446744073709551615");
  CHECK(read("-9223372036854775808") == "-9223372036854775808");
  CHECK(read("18446744073709551616") == "18446744073709551616");
  CHECK(read("-100000000000000000000000") == "-1e+23");
  CHECK(read("-100000000000000000000001") == "-100000000000000000000001");
  CHECK(read("1e999") == "1e+999");
  CHECK(read("-123.450e999") == "-1.2345e+1001");
  CHECK(read("1e-999") == "0");
  CHECK(read("0e999") == "0");
  CHECK(read("1" + std::string(999, '2')) == "1.2222222222222222...e+999");
  for (const auto* text : {"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x10", "1 ", " 1", "--1",
                           "1.2.3", "Infinity", "nan"}) {
    INFO(text);
    CHECK(read(text) == "none");
  }
}

TEST_CASE("numbers beyond 64 bits are ordered by their digits") {
  CHECK(order("18446744073709551616", "18446744073709551617") == "<");
  CHECK(order("18446744073709551616", "18446744073709551615") == ">");
  CHECK(order("18446744073709551616", "1") == ">");
  CHECK(order("-9223372036854775809", "-9223372036854775808") == "<");
  CHECK(order("-18446744073709551616", "-18446744073709551617") == ">");
  CHECK(order("-18446744073709551616", "0.5") == "<");
  CHECK(order("1000000000000000000000000000000", "1e30") == "=");
  CHECK(order("1000000000000000000000000000001", "1e30") == ">");
  CHECK(order("999999999999999999999999999999", "1e30") == "<");
  CHECK(order("-1000000000000000000000000000001", "-1e30") == "<");
  CHECK(order("1e999", "1e1000") == "<");
  CHECK(order("1e999", "10e998") == "=");
  CHECK(order("1e999", "1.7976931348623157e308") == ">");
  CHECK(order("-1e999", "1e999") == "<");
  CHECK(order("1e99999999999999999999", "1e999") == ">");
  const std::string digits(1000, '9');
  CHECK(order(digits, digits) == "=");
  CHECK(order(digits + "0", digits + "1") == "<");
  CHECK(order(digits, "1e1000") == "<");
}

TEST_CASE("only numbers that are too large have stand-ins, and nothing within text") {
  CHECK(replaced("[1,1.5,-3e7]") == "nothing to do");
  CHECK(replaced(R"({"99999999999999999999":"\"1e999"})") == "nothing to do");
  CHECK(replaced("[01]") == "nothing to do");
  CHECK(replaced("[1,36893488147419103232,-1e999,2.5]") == "1,36893488147419103232,-1e+999,2.5");
  CHECK(replaced("[-9223372036854775808]") == "nothing to do");
  CHECK(replaced("[-9223372036854775809]") == "-9223372036854775809");
  LargeNumbers large;
  std::string out;
  CHECK(large.replace(R"(["1e999\\",1e999])", out));
  CHECK(out == R"(["1e999\\",5e-324])");
  CHECK(large.replace("[01,1e999x]", out));
  CHECK(out == "[01,5e-324x]");
}

TEST_CASE("a number that is as small as a stand-in has one of its own") {
  CHECK(replaced("[5e-324,1e999,-5e-324]") == "5e-324,1e+999,-5e-324");
}
