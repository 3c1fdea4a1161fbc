// SPDX-License-Identifier: Apache-2.0
#include "common/json_text.h"

#include <catch2/catch.hpp>

using common::JsonPointer;
using common::JsonText;

namespace {

std::string found(const std::string& json, const std::string& pointer) {
  JsonText text;
  if (!text.parse(json)) return "(no JSON)";
  return std::string(text.find(*JsonPointer::parse(pointer)).value_or("(nothing)"));
}

}  // namespace

TEST_CASE("a pointer leads into objects and lists, through any name") {
  const std::string json = R"({"a":{"b":[10,{"c":"deep"}]},"":"empty","x/y":1,"m~n":2,"0":"zero"})";
  CHECK(found(json, "/a/b/0") == "10");
  CHECK(found(json, "/a/b/1/c") == "deep");
  CHECK(found(json, "/") == "empty");
  CHECK(found(json, "/x~1y") == "1");
  CHECK(found(json, "/m~0n") == "2");
  CHECK(found(json, "/0") == "zero");
  CHECK(found("[1]", "") == "[1]");
}

TEST_CASE("what is not there is nothing") {
  const std::string json = R"({"a":[1,2],"n":null,"s":"text"})";
  for (const auto* pointer : {"/b", "/a/2", "/a/-", "/a/01", "/a/x", "/a/", "/a/-1", "/n", "/s/0",
                              "/a/0/0", "/a/99999999999999999999999"})
    CHECK(found(json, pointer) == "(nothing)");
}

TEST_CASE("values are as JSON writes them, strings without their escapes") {
  CHECK(found(R"({"x":"a\n\u00e9\u0000/"})", "/x") == std::string("a\n\u00e9\0/", 6));
  CHECK(found(R"({"x":-9223372036854775808})", "/x") == "-9223372036854775808");
  CHECK(found(R"({"x":18446744073709551615})", "/x") == "18446744073709551615");
  CHECK(found(R"({"x":1.0})", "/x") == "1");
  CHECK(found(R"({"x":0.1})", "/x") == "0.1");
  CHECK(found(R"({"x":1e300})", "/x") == "1e+300");
  CHECK(found(R"({"x":false})", "/x") == "false");
  CHECK(found(R"({"x": { "y" : [ 1 , "z" ] } })", "/x") == R"({"y":[1,"z"]})");
}

TEST_CASE("numbers that no machine word holds are as they were written") {
  const std::string digits(1000, '9');
  CHECK(found("{\"x\":" + digits + ",\"y\":1}", "/x") == digits);
  CHECK(found("{\"x\":" + digits + ",\"y\":\"1\"}", "/y") == "1");
  CHECK(found("[-18446744073709551616 , 1e999, \"18446744073709551616\", 2]", "/0") ==
        "-18446744073709551616");
  CHECK(found("[1,1e999]", "/1") == "1e999");
  CHECK(found("[\"\\\"18446744073709551616\",-1e999]", "/0") == "\"18446744073709551616");
  CHECK(found("18446744073709551616", "") == "18446744073709551616");
  for (const auto* broken :
       {"{18446744073709551616:1}", "[18446744073709551616", "[018446744073709551616]",
        "[18446744073709551616.]", "[18446744073709551616x]", "[--18446744073709551616]",
        "[18446744073709551616 1]", "[18446744073709551616e]", "{18446744073709551616 :1}"})
    CHECK(found(broken, "/0") == "(no JSON)");
}

TEST_CASE("of a name that is there twice the last one counts") {
  CHECK(found(R"({"x":1,"y":2,"x":3})", "/x") == "3");
  CHECK(found(R"({"x":1,"x":null})", "/x") == "(nothing)");
}

TEST_CASE("what is broken anywhere is no JSON") {
  for (const auto* broken : {"", " ", "{", "{\"x\":1", "{\"x\":1}}", "{\"x\":1} 2", "{\"x\":01}",
                             "{\"x\":\"\xff\"}", "{'x':1}", "{\"x\":\"\n\"}", "nul"})
    CHECK(found(broken, "/x") == "(no JSON)");
  CHECK(found(std::string(100'000, '['), "") == "(no JSON)");
}

TEST_CASE("more than 1 MiB is not looked into, and does not spoil the next text") {
  JsonText text;
  const auto quoted = [](std::size_t bytes) { return '"' + std::string(bytes - 2, 'x') + '"'; };
  CHECK(text.parse(quoted(JsonText::kBytesMax)));
  CHECK_FALSE(text.parse(quoted(JsonText::kBytesMax + 1)));
  CHECK_FALSE(text.find(*JsonPointer::parse("")));
  CHECK(text.parse("1"));
}

TEST_CASE("a pointer begins with a slash and has ~0 and ~1 only") {
  for (const auto* wrong : {"x", "x/y", "/~", "/~2", "/a~/b", " /x"})
    CHECK_FALSE(JsonPointer::parse(wrong));
  CHECK(JsonPointer::parse("/a~01")->steps() == std::vector<std::string>{"a~1"});
  CHECK(JsonPointer::parse("//")->steps() == std::vector<std::string>{"", ""});
}
