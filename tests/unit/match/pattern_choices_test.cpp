// SPDX-License-Identifier: Apache-2.0
#include "match/pattern_choices.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe::match;

TEST_CASE("a text leaves no choice, however it is written") {
  for (const auto* pattern :
       {"", "order", "^order$", R"(a\.b\[c\{2)", R"(\Q.*[ab]{9}\Eend)", "a{3}",
        R"(\x41\x{1F600}\n)", R"(\bword\b)", "(?i)error", "(?P<name>abc)", "(abc)", "a{,3}b{x}"}) {
    INFO(pattern);
    CHECK(choices_in(pattern) == 0);
  }
}

TEST_CASE("classes, repetitions and alternatives are choices") {
  CHECK(choices_in(".") == 1);
  CHECK(choices_in("[ab]") == 1);
  CHECK(choices_in(R"([^]a\]b[:alpha:]])") == 1);
  CHECK(choices_in(R"(\d\W\pL\p{Greek}\PN)") == 5);
  CHECK(choices_in("foo.*bar") == 1);
  CHECK(choices_in("a?b+c*?") == 3);
  CHECK(choices_in("a|b|c") == 1);
  CHECK(choices_in("(error|warning|fatal): .*") == 2);
  CHECK(choices_in("(a+)+$b") == 1);
  CHECK(choices_in("(x+x+)+y") == 2);
}

TEST_CASE("what is repeated has its choices as often") {
  CHECK(choices_in("a[ab]{200}c") == 200);
  CHECK(choices_in("(a|b)*a[ab]{900}c") == 901);
  CHECK(choices_in("([ab]{10}){10,}") == 110);
  CHECK(choices_in("a{2,7}") == 7);
  CHECK(choices_in(".{0}") == 1);
  CHECK(choices_in("((a|b)(c|d)){5}") == 10);
}

TEST_CASE("it counts to an end, and whatever the brackets are") {
  std::string pattern = "(((((((.{1000}){1000}){1000}){1000}){1000}){1000}){1000})";
  CHECK(choices_in(pattern) == std::size_t{1} << 20);
  CHECK(choices_in(std::string(100'000, '(') + "." + std::string(100'000, ')')) == 1);
  for (const auto* broken : {"(", ")", "[", "\\", "[[:", "(?", "(?P<", "\\p{", "{", "a{1", "\\Q"})
    CHECK(choices_in(broken) <= 2);
}
