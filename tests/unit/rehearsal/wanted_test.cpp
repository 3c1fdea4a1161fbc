// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/wanted.h"

#include <catch2/catch.hpp>

using namespace standpipe;
using config::JsonWanted;
using Kind = config::JsonWanted::Kind;

namespace {

std::string difference(const config::PayloadWanted& wanted, std::string_view payload) {
  match::Json json;
  const auto found = rehearsal::difference(wanted, payload, json);
  if (!found) return "";
  return found->wanted + " | " + found->got + (found->where.empty() ? "" : " | " + found->where);
}

std::string json_difference(const JsonWanted& wanted, std::string_view payload) {
  return difference({.json = {wanted}}, payload);
}

}  // namespace

TEST_CASE("payloads are compared byte by byte") {
  CHECK(difference({.payload = "abc"}, "abc").empty());
  CHECK(difference({.payload = "abc"}, "abd") == "abc | abd | from byte 3 on");
  CHECK(difference({.payload = "abc"}, "abcd") == "abc | abcd | from byte 4 on");
  CHECK(difference({.payload = "a"}, "") == "a | (empty)");
  CHECK(difference({.payload = ""}, "\x1b[2J") == "(empty) | \\x1b[2J");
}

TEST_CASE("a prefix is compared with as many bytes") {
  CHECK(difference({.prefix = "ab"}, "abc").empty());
  CHECK(difference({.prefix = "ab"}, "axc") == "prefix ab | ax | from byte 2 on");
  CHECK(difference({.prefix = "ab"}, "a") == "prefix ab | a | from byte 2 on");
}

TEST_CASE("of long payloads the part around the first difference is shown") {
  const std::string same(1000, 's');
  const auto text = difference({.payload = same + "a" + same}, same + "b" + same);
  CHECK(text.size() < 450);
  CHECK_THAT(text, Catch::Contains("...") && Catch::Contains("sas") && Catch::Contains("sbs"));
}

TEST_CASE("a value of a document equals another as in a route") {
  const JsonWanted amount{"/amount", Kind::scalar, "5000", 0};
  CHECK(json_difference(amount, R"({"amount":5000,"more":1})").empty());
  CHECK(json_difference(amount, R"({"amount":5000.0})").empty());
  CHECK(json_difference(amount, R"({"amount":12})") == "/amount = 5000 | /amount = 12");
  CHECK(json_difference(amount, "{}") == "/amount = 5000 | /amount is not there");
  CHECK(json_difference(amount, "nonsense") == "JSON | nonsense");
  CHECK(json_difference({"/a~1b", Kind::scalar, "\"x\"", 0}, R"({"a/b":"x"})").empty());
}

TEST_CASE("objects may have more, and arrays may not") {
  CHECK(json_difference({"", Kind::object, "", 0}, R"({"a":1})").empty());
  CHECK(json_difference({"", Kind::object, "", 0}, "[]") == "the document is an object | an array");
  CHECK(json_difference({"/a", Kind::array, "", 2}, R"({"a":[1,2]})").empty());
  CHECK(json_difference({"/a", Kind::array, "", 1}, R"({"a":[1,2]})") ==
        "/a has 1 item | it has more");
  CHECK(json_difference({"/a", Kind::array, "", 1}, "{}") == "/a is an array | it is not there");
}
