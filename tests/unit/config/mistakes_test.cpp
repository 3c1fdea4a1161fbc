// SPDX-License-Identifier: Apache-2.0
#include "config/mistakes.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/limits.h"
#include "config/bundle.h"
#include "config/document.h"

using namespace standpipe;
using namespace standpipe::config;

namespace {

// A file of many lines. Verbs: add, told.
struct Fixture {
  void add(std::uint32_t line, const std::string& message, const std::string& label = {},
           Severity severity = Severity::error) {
    mistakes.add({line, 0, 1, 0},
                 {.severity = severity, .code = "wrong", .message = message, .label = label});
  }
  // "LINE MESSAGE", and of more places "+LINE".
  std::vector<std::string> told() {
    std::vector<std::string> all;
    for (const auto& d : mistakes.in_order()) {
      all.push_back((d.place ? std::to_string(d.place->line) + ' ' : "") + d.message);
      for (const auto& other : d.others) all.back() += " +" + std::to_string(other.line);
    }
    return all;
  }
  Bundle bundle = bundle_of(
      "key: se\xc3\xa9"
      "cret\n" +
          std::string(1000, '\n'),
      "hub.yaml");
  Documents documents{bundle};
  Mistakes mistakes{documents};
};

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "mistakes are told in the order of the file, and those of nowhere last") {
  add(0, "whole");
  add(7, "seven");
  add(3, "three");
  CHECK(told() == Told{"3 three", "7 seven", "whole"});
}

TEST_CASE_METHOD(Fixture, "one mistake in one place is told once, whoever finds it again") {
  add(3, "of handler a", "same");
  add(3, "of handler b", "same");  // an alias is read for both
  add(4, "of handler a");
  add(4, "of handler b");  // without a label these are two
  CHECK(told() == Told{"3 of handler a", "4 of handler a", "4 of handler b"});
}

TEST_CASE_METHOD(Fixture, "the same mistake in several places is one, which lists them") {
  for (const std::uint32_t line : {9, 3, 5}) add(line, "wrong");
  add(4, "other");
  CHECK(told() == Told{"3 wrong +5 +9", "4 other"});
}

TEST_CASE_METHOD(Fixture, "so it is where messages differ only in the part that is being read") {
  {
    const Mistakes::Part part(mistakes, "a");
    add(3, "handler 'a' has no plugin");
  }
  {
    const Mistakes::Part part(mistakes, "b");
    add(5, "handler 'b' has no plugin");
  }
  add(7, "handler 'c' has no plugin");
  CHECK(told() == Told{"3 handler 'a' has no plugin +5", "7 handler 'c' has no plugin"});
}

TEST_CASE_METHOD(Fixture, "warnings alone are no error") {
  add(3, "may be", {}, Severity::warning);
  CHECK_FALSE(mistakes.any_error());
  add(4, "is");
  CHECK(mistakes.any_error());
}

TEST_CASE_METHOD(Fixture, "of very many the first are told, and how many more there are") {
  for (std::uint32_t line = 1; line <= kConfigErrorsMax + 2; ++line)
    add(line, "wrong " + std::to_string(line));
  auto all = told();
  REQUIRE(all.size() == kConfigErrorsMax + 1);
  CHECK(all.back() == "and 2 more mistakes, not shown");
}

TEST_CASE_METHOD(Fixture, "what comes when no more are kept is counted all the same") {
  std::uint32_t line = 1;
  for (; !mistakes.full(); ++line) add(line, "wrong " + std::to_string(line));
  add(line, "one too many", {}, Severity::warning);
  CHECK(told().back() ==
        "and " + std::to_string(line - kConfigErrorsMax) + " more mistakes, not shown");
}

TEST_CASE_METHOD(Fixture, "a secret is not shown in any line, a star for each character") {
  mistakes.hide({1, 5, 8, 0});
  mistakes.add({1, 0, 3, 0}, {.code = "wrong", .message = "wrong"});
  CHECK(mistakes.in_order()[0].place->text == "key: *******");
}
