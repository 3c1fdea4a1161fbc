// SPDX-License-Identifier: Apache-2.0
#include "common/file_name.h"

#include <catch2/catch.hpp>

using common::file_name;

TEST_CASE("what is plain stays, whatever its language") {
  for (const auto* plain : {"pump-1", "a b", "z\u00fcrich", "\u6cf5", "-x", "a.b", "a..", "~"})
    CHECK(file_name(plain, 100) == plain);
}

TEST_CASE("what would lead elsewhere, hide or mislead is written as bytes") {
  CHECK(file_name("../a/b", 100) == "%2E.%2Fa%2Fb");
  CHECK(file_name(".", 100) == "%2E");
  CHECK(file_name("100%", 100) == "100%25");
  CHECK(file_name(std::string("\0\n\x7f\xff", 4), 100) == "%00%0A%7F%FF");
  CHECK(file_name("\xe2\x80\xae", 100) == "%E2%80%AE");  // right to left
  CHECK(file_name("", 100).empty());
}

TEST_CASE("a value that is too long becomes no name, at no cost of its length") {
  CHECK(file_name(std::string(100, 'x'), 100).size() == 100);
  CHECK(file_name(std::string(16 << 20, 'x'), 100).size() == 101);
  CHECK(file_name(std::string(34, '/'), 100).size() > 100);
}
