// SPDX-License-Identifier: Apache-2.0
#include "match/regex.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe::match;

namespace {

bool found(const std::string& pattern, std::string_view text) {
  const auto compiled = Regex::compile(pattern);
  REQUIRE(compiled.regex);
  return compiled.regex->found_in(text);
}

}  // namespace

TEST_CASE("a pattern may match anywhere, and ^ and $ are the ends of the payload") {
  CHECK(found("b+", "abbc"));
  CHECK_FALSE(found("^b", "ab"));
  CHECK_FALSE(found("a$", "a\n"));
  CHECK_FALSE(found("^b", "a\nb"));
  CHECK(found("(?m)^b", "a\nb"));
  CHECK(found("(?i)HELLO", "hello"));
  CHECK(found("a.b",
              "a\xc3\xa9"
              "b"));
  CHECK(found("a\\x00b", std::string_view("a\0b", 3)));
}

TEST_CASE("bytes that are not UTF-8 match only \\C") {
  CHECK_FALSE(found("a.b",
                    "a\xff"
                    "b"));
  CHECK(found("a\\Cb",
              "a\xff"
              "b"));
  CHECK(found("b", "\xff\xfe b"));
}

TEST_CASE("a pattern that is wrong is refused in RE2's words") {
  const auto open = Regex::compile("(a");
  CHECK(!open.regex);
  CHECK(open.problem == "missing ): (a");
  CHECK(!Regex::compile("(?<name").regex);
  CHECK(Regex::compile("(a)\\1").problem.find("invalid escape sequence") == 0);
  CHECK(Regex::compile("((a{100}){100}){100}").problem == "invalid repetition size: {100}");
  CHECK(Regex::compile(std::string(20'000, 'a')).problem == "pattern too long");
}

TEST_CASE("a pattern is compiled once, and there is a limit on how many") {
  RegexCache cache;
  CHECK(cache.compile("a").regex == cache.compile("a").regex);
  for (std::size_t i = 1; i < kPatternsMax; ++i) REQUIRE(cache.compile(std::to_string(i)).regex);
  CHECK(cache.compile("one more").problem == "more than 1000 different patterns");
  CHECK(cache.compile("a").regex);
}

TEST_CASE("patterns beyond the first get less memory, and a set gets what is left") {
  RegexCache cache;
  for (std::size_t i = 0; i < kRegexFew; ++i) REQUIRE(cache.compile(std::to_string(i)).regex);
  const std::string large = "(" + std::string(3000, 'a') + "|[^b]{900})";
  CHECK(cache.compile(large).problem == "pattern too large - compile failed");
  CHECK(RegexCache().compile(large).regex);
  RegexMemory memory;
  std::size_t all = 0;
  while (const auto bytes = memory.take()) all += bytes;
  CHECK(all == kRegexSetsBytesMax);
  CHECK(RegexSet::make({cache.compile("a").regex.get()}, 0) == nullptr);
}
