// SPDX-License-Identifier: Apache-2.0
#include "match/json.h"

#include <catch2/catch.hpp>
#include <string>

using namespace standpipe::match;

namespace {

using Verdict = Json::Verdict;

Verdict verdict(std::string_view text) { return Json().parse(text); }

std::string found(std::string_view text, std::string_view pointer) {
  Json json;
  REQUIRE(json.parse(text) == Verdict::good);
  return json.find(std::get<Pointer>(parse_pointer(pointer))).shown();
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

}  // namespace

TEST_CASE("values are found by pointer") {
  const auto* text = R"({"type":"order","lines":[{"n":1},{"n":2.5}],"a/b":{"m~n":null},"":true})";
  CHECK(found(text, "/type") == "\"order\"");
  CHECK(found(text, "/lines/1/n") == "2.5");
  CHECK(found(text, "/lines/2") == "nothing");
  CHECK(found(text, "/lines/-") == "nothing");
  CHECK(found(text, "/lines/01") == "nothing");
  CHECK(found(text, "/a~1b/m~0n") == "null");
  CHECK(found(text, "/") == "true");
  CHECK(found(text, "") == "an object");
  CHECK(found(text, "/lines") == "an array");
  CHECK(found(text, "/type/x") == "nothing");
  CHECK(found(R"({"0":"a name"})", "/0") == "\"a name\"");
  CHECK(found("12", "") == "12");
}

TEST_CASE("of duplicate keys the last wins, on the way, too") {
  CHECK(found(R"({"a":1,"a":2})", "/a") == "2");
  CHECK(found(R"({"a":{"b":1},"a":{"c":2}})", "/a/b") == "nothing");
  CHECK(found(R"({"a":1,"\u0061":2})", "/a") == "2");
}

TEST_CASE("keys and text are compared after unescaping") {
  CHECK(found(R"({"\u006b":"\u00e9"})", "/k") == "\"\xc3\xa9\"");
  CHECK(found(R"({"a\u0000b":1})", std::string_view("/a\0b", 4)) == "1");
  CHECK(found(R"({"a\u0000b":1})", "/a") == "nothing");
}

TEST_CASE("a document that is broken anywhere is none") {
  for (const auto* text : {"", " ", "{", R"({"a":1)", R"({"a":1}x)", R"({"a":1,})", "[1,]", "01",
                           "1.", "-", "nul", "'a'", "{\"a\":\"\xff\"}", "\"a\nb\"", R"("\x")",
                           R"({"a":1 "b":2})", "[1 2]", "\xef\xbb\xbf{}"}) {
    INFO(text);
    CHECK(verdict(text) == Verdict::broken);
  }
}

TEST_CASE("nesting is bounded, and however deep it is costs nothing but a look") {
  CHECK(verdict(nested(kJsonDepthMax - 1)) == Verdict::good);
  CHECK(verdict(nested(100'000)) == Verdict::too_deep);
  CHECK(verdict(std::string(100'000, '[')) != Verdict::good);
}

TEST_CASE("numbers that are too large for 64 bits are numbers all the same") {
  CHECK(found("[18446744073709551615,18446744073709551616]", "/0") == "18446744073709551615");
  CHECK(found("[18446744073709551615,18446744073709551616]", "/1") == "18446744073709551616");
  CHECK(found(R"({"n":)" + std::string(1000, '9') + R"(,"type":"x"})", "/type") == "\"x\"");
  CHECK(found("[1e999,\"1e999\"]", "/1") == "\"1e999\"");
  CHECK(found("1e-999", "") == "0");
  CHECK(verdict("[1e999,01]") == Verdict::broken);
}

TEST_CASE("buffers follow the size of documents") {
  Json json;
  const auto large = "\"" + std::string(100'000, 'x') + "\"";
  CHECK(json.parse("1") == Verdict::good);
  CHECK(json.parse(large) == Verdict::good);
  CHECK(json.find({}).text().size() == 100'000);
  CHECK(json.parse("{}") == Verdict::good);
  CHECK(json.parse(large) == Verdict::good);
}

TEST_CASE("a person is told where a text stops being JSON") {
  CHECK(find_json_error("hello") == 0);
  CHECK(find_json_error("") == 0);
  CHECK(find_json_error("{\"a\":1") == 6);
  CHECK(find_json_error("{\"a\":1,}") == 7);
  CHECK(find_json_error("[1,]") == 3);
  CHECK(find_json_error("{\"a\" 1}") == 5);
  CHECK(find_json_error("[1 2]") == 3);
  CHECK(find_json_error("{} x") == 3);
  CHECK(find_json_error("[\"\xff\"]") == 2);
  CHECK(find_json_error("[tru]") == 4);
  CHECK(find_json_error("[1,{}]") == 6);
  CHECK(find_json_error("[[],[1],{\"a\":[{}]}]") == 19);
  CHECK(find_json_error(nested(100'000)) == 200'000);
}
