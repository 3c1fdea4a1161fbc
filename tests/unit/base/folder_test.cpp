// SPDX-License-Identifier: Apache-2.0
#include "base/folder.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "temporary_folder.h"

using namespace standpipe;

TEST_CASE("any text becomes one file name and comes back") {
  CHECK(as_file_name("orders-2.eu_1") == "orders-2.eu_1");
  CHECK(as_file_name("/run/a b%") == "%2Frun%2Fa%20b%25");
  CHECK(as_file_name("..") == "%2E.");
  for (const std::string text : {"", "orders", "../x", "\xff\n%2F"})
    CHECK(from_file_name(as_file_name(text)) == text);
}

TEST_CASE("a file name that was not made from a text is not read as one") {
  for (const auto* name : {"a%", "a%2", "%zz", "%41", "a b", ".x", "%2f"})
    CHECK_FALSE(from_file_name(name));
}

TEST_CASE("the names in a folder are sorted, and why there are none is told") {
  const test::TemporaryFolder folder;
  std::error_code error;
  CHECK(names_in(folder / "nowhere", error).empty());
  CHECK(error == std::errc::no_such_file_or_directory);
  for (const auto* name : {"b", ".a", "c"}) std::ofstream(folder / name) << name;
  CHECK(names_in(folder / "", error) == std::vector<std::string>{".a", "b", "c"});
  CHECK_FALSE(error);
}
