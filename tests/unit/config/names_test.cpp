// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/bundle.h"
#include "config/document.h"
#include "config/mistakes.h"

using namespace standpipe;
using namespace standpipe::config;

namespace {

// A file in which everything is on the first line.
struct Fixture {
  bool is_name(const std::string& name) { return check_name(mistakes, {1, 0, 1, 0}, name); }
  std::string suggested(const std::string& mistyped, const std::vector<std::string>& known) const {
    return suggestion(mistakes, mistyped, known, "handlers");
  }
  Bundle bundle = bundle_of("names", "hub.yaml");
  Documents documents{bundle};
  Mistakes mistakes{documents};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a name has letters, digits, _ - and ., and begins as one does") {
  for (const auto* name : {"a", "A9", "_x", "0-a.b_c"}) CHECK(is_name(name));
  CHECK(is_name(std::string(64, 'a')));
  CHECK_FALSE(mistakes.any_error());
}

TEST_CASE("what is no name is a mistake that says which rule it broke") {
  const auto label = [](const std::string& name) {
    Fixture fresh;
    CHECK_FALSE(fresh.is_name(name));
    return fresh.mistakes.in_order()[0].label;
  };
  CHECK(label(std::string(65, 'a')) == "a name has at most 64 characters");
  CHECK(label("a b") == "a name has letters, digits, _ - . only");
  CHECK(label("caf\xc3\xa9") == "a name has letters, digits, _ - . only");
  CHECK(label("") == "a name begins with a letter, a digit or _");
  CHECK(label("-a") == "a name begins with a letter, a digit or _");
  CHECK(label(".a") == "a name begins with a letter, a digit or _");
}

TEST_CASE_METHOD(Fixture, "a mistyped name gets the nearest one, and the list of all") {
  const std::vector<std::string> known{"archive", "billing"};
  CHECK(suggested("biling", known) == "did you mean 'billing'? (handlers: archive, billing)");
  CHECK(suggested("zzzzzzzz", known) == "handlers: archive, billing");
  CHECK(suggested("a", {}) == "there are no handlers");
}

TEST_CASE_METHOD(Fixture, "of many names the first twelve are listed") {
  std::vector<std::string> known;
  for (int i = 10; i < 23; ++i) known.push_back("h" + std::to_string(i));
  CHECK(suggested("zzzzzzzz", known).ends_with("h21 and 1 more"));
  known.pop_back();
  CHECK(suggested("zzzzzzzz", known).ends_with("h20, h21"));
}

TEST_CASE("a long text is cut between characters, and shown on one line") {
  CHECK(shown("a\nb") == "a\\nb");
  CHECK(shown(std::string(200, 'x')) == std::string(200, 'x'));
  CHECK(shown(std::string(201, 'x')) == std::string(200, 'x') + "...");
  CHECK(shown(std::string(199, 'x') + "\xc3\xa9 and more") == std::string(199, 'x') + "...");
}

TEST_CASE("names have their numbers in the order in which they were given, and are listed sorted") {
  Names names;
  names.add("b", {1, 0, 1, 0});
  names.add("a", {2, 0, 1, 0});
  CHECK(names.find("b") == 0u);
  CHECK(names.find("a") == 1u);
  CHECK_FALSE(names.find("c"));
  CHECK(names.spot(1).line == 2);
  CHECK(names.sorted() == std::vector<std::string>{"a", "b"});
}
