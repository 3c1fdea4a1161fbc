// SPDX-License-Identifier: Apache-2.0
#include "match/value.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

using namespace standpipe::match;

TEST_CASE("a number that is an integer of 64 bits is one, however it came") {
  CHECK(Value::number(1.0) == Value::integer(1));
  CHECK(Value::number(-0.0) == Value::integer(0));
  CHECK(Value::number(kTwo63) == Value::natural(std::uint64_t{1} << 63));
  CHECK(Value::number(-kTwo63) == Value::integer(INT64_MIN));
  CHECK(Value::natural(5) == Value::integer(5));
  CHECK(Value::number(kTwo64).kind() == Value::Kind::real);
  CHECK(Value::number(0.5).kind() == Value::Kind::real);
}

TEST_CASE("large integers are not rounded") {
  CHECK(Value::integer(9007199254740993) != Value::integer(9007199254740992));
  CHECK(Value::natural(UINT64_MAX) != Value::natural(UINT64_MAX - 1));
  CHECK(Value::natural(UINT64_MAX) < Value::number(kTwo64));
  CHECK(Value::integer(INT64_MIN) > Value::number(-1e19));
}

TEST_CASE("numbers have one order, of whatever kind they are") {
  const std::vector<Value> ascending{Value::number(-1e300),
                                     Value::integer(INT64_MIN),
                                     Value::number(-1.5),
                                     Value::integer(-1),
                                     Value::number(-0.5),
                                     Value::integer(0),
                                     Value::number(0.25),
                                     Value::integer(1),
                                     Value::number(1.5),
                                     Value::integer(2),
                                     Value::integer(INT64_MAX - 1),
                                     Value::integer(INT64_MAX),
                                     Value::natural(1ull << 63),
                                     Value::natural(UINT64_MAX),
                                     Value::number(1e20)};
  for (std::size_t i = 0; i < ascending.size(); ++i)
    for (std::size_t k = 0; k < ascending.size(); ++k) {
      INFO(ascending[i].shown() << " and " << ascending[k].shown());
      CHECK(((ascending[i] <=> ascending[k]) == (i <=> k)));
      CHECK((ascending[i] == ascending[k]) == (i == k));
    }
}

TEST_CASE("text is ordered by its bytes, and not among numbers") {
  CHECK(Value::string("a") < Value::string("b"));
  CHECK(Value::string("Z") < Value::string("a"));
  CHECK(Value::string("z") < Value::string("\xc3\xa9"));
  CHECK(Value::string(std::string_view("a\0", 2)) > Value::string("a"));
  CHECK(((Value::string("1") <=> Value::integer(1)) == std::partial_ordering::unordered));
  CHECK(((Value::boolean(true) <=> Value::boolean(false)) == std::partial_ordering::unordered));
}

TEST_CASE("what has other types is other, and arrays and objects equal nothing") {
  CHECK(Value::null() == Value::null());
  CHECK(Value::null() != Value::boolean(false));
  CHECK(Value::integer(0) != Value::boolean(false));
  CHECK(Value::string("true") != Value::boolean(true));
  CHECK(Value::array() != Value::array());
}

TEST_CASE("values are shown as in JSON, and long text is cut between characters") {
  CHECK(Value::integer(-12).shown() == "-12");
  CHECK(Value::natural(UINT64_MAX).shown() == "18446744073709551615");
  CHECK(Value::number(0.1).shown() == "0.1");
  CHECK(Value::string("a\"\n").shown() == R"("a\"\n")");
  std::string text;
  for (int i = 0; i < 50; ++i) text += "\xc3\xa9";
  const auto shown = Value::string("x" + text).shown();
  CHECK(shown.ends_with("... (101 bytes)"));
  CHECK(shown.find("\xef\xbf\xbd") == std::string::npos);
}

TEST_CASE("an operand keeps its text") {
  std::vector<Operand> operands;
  for (const std::string text : {"short", "a text that is too long to lie in a string itself"}) {
    operands.emplace_back(Value::string(text));
    CHECK(operands.back().value().text() == text);
  }
  const auto copy = operands;
  operands.clear();
  CHECK(copy[0].value().text() == "short");
}
