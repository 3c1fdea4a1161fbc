// SPDX-License-Identifier: Apache-2.0
#include "match/pointer.h"

#include <catch2/catch.hpp>
#include <string>
#include <variant>
#include <vector>

using namespace standpipe::match;

namespace {

std::vector<std::string> tokens(std::string_view text) {
  return std::get<Pointer>(parse_pointer(text)).tokens;
}
bool is_wrong(std::string_view text) {
  return std::holds_alternative<std::string>(parse_pointer(text));
}

}  // namespace

TEST_CASE("a pointer is read as RFC 6901 says") {
  CHECK(tokens("").empty());
  CHECK(tokens("/") == std::vector<std::string>{""});
  CHECK(tokens("/a/b") == std::vector<std::string>{"a", "b"});
  CHECK(tokens("/a//") == std::vector<std::string>{"a", "", ""});
  CHECK(tokens("/a~1b/m~0n/~01") == std::vector<std::string>{"a/b", "m~n", "~1"});
  CHECK(is_wrong("a"));
  CHECK(is_wrong("a/b"));
  CHECK(is_wrong("/a~"));
  CHECK(is_wrong("/a~2"));
}

TEST_CASE("an element is a whole number without leading zeros") {
  CHECK(element_of("0") == 0);
  CHECK(element_of("12") == 12);
  CHECK(!element_of(""));
  CHECK(!element_of("-"));
  CHECK(!element_of("01"));
  CHECK(!element_of("+1"));
  CHECK(!element_of("1x"));
  CHECK(!element_of("99999999999999999999"));
}
