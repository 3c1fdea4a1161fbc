// SPDX-License-Identifier: Apache-2.0
#include "common/json_edit.h"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <random>

#include "common/json_scan.h"

using common::JsonEdit;
using common::JsonPicks;

namespace {

common::JsonPointer at(std::string_view pointer) { return *common::JsonPointer::parse(pointer); }

std::string picked(std::string_view json, std::initializer_list<std::string_view> pointers) {
  JsonPicks picks;
  for (const auto pointer : pointers) picks.add(at(pointer));
  JsonEdit edit(json);
  edit.pick(picks);
  return edit.text();
}
std::string removed(std::string_view json, std::string_view pointer) {
  JsonEdit edit(json);
  edit.remove(at(pointer));
  return edit.text();
}
std::string renamed(std::string_view json, std::string_view pointer, std::string_view name) {
  JsonEdit edit(json);
  edit.rename(at(pointer), name);
  return edit.text();
}
std::string set(std::string_view json, std::string_view pointer, std::string_view value) {
  JsonEdit edit(json);
  return edit.set(at(pointer), value) ? edit.text() : "refused: " + edit.text();
}

}  // namespace

TEST_CASE("a value is found with its very bytes") {
  const JsonEdit edit(R"( {"a" : 1.50, "b":[ 1, {"c\/d": "\u00e9"} ], "a":1e400} )");
  CHECK(edit.find(at("/a")) == "1e400");
  CHECK(edit.find(at("/b/0")) == "1");
  CHECK(edit.find(at("/b/1/c~1d")) == R"("\u00e9")");
  CHECK(edit.find(at("/b/1")) == R"({"c\/d": "\u00e9"})");
  for (const auto nothing : {"/c", "/b/2", "/b/01", "/b/-", "/a/x", "/b/1/c"})
    CHECK_FALSE(edit.find(at(nothing)));
  CHECK(JsonEdit(" 17 ").find(at("")) == "17");
}

TEST_CASE("what is picked keeps its bytes, its order and its place") {
  const auto json = R"({"id": 1.0, "at":{"x":[10, 20,30],"y":{}}, "note":"a,}]\"b", "id":2.50})";
  CHECK(picked(json, {"/note", "/id"}) == R"({"note":"a,}]\"b","id":2.50})");
  CHECK(picked(json, {"/at/x/1", "/at/y"}) == R"({"at":{"x":[20],"y":{}}})");
  CHECK(picked(json, {"/at", "/at/x"}) == R"({"at":{"x":[10, 20,30],"y":{}}})");
  CHECK(picked(json, {"/at/z", "/none"}) == "{}");
  CHECK(picked("[1,2]", {"/5"}) == "[]");
}

TEST_CASE("what is removed goes with its comma") {
  const auto json = R"({ "a":1, "b":[1,2,3], "a":2, "c":{"d":4} })";
  CHECK(removed(json, "/a") == R"({ "b":[1,2,3], "c":{"d":4} })");
  CHECK(removed(json, "/b/0") == R"({ "a":1, "b":[2,3], "a":2, "c":{"d":4} })");
  CHECK(removed(json, "/b/2") == R"({ "a":1, "b":[1,2], "a":2, "c":{"d":4} })");
  CHECK(removed(json, "/c/d") == R"({ "a":1, "b":[1,2,3], "a":2, "c":{} })");
  CHECK(removed(json, "/c/e") == json);
  CHECK(removed("[[1,2],3]", "/0/0") == "[[2],3]");
}

TEST_CASE("a field that is renamed stays where it is") {
  CHECK(renamed(R"({"a":1, "b" : 2, "c":3})", "/b", "x\"y") == R"({"a":1, "x\"y" : 2, "c":3})");
  CHECK(renamed(R"({"a":{"b":2}})", "/a/b", "c") == R"({"a":{"c":2}})");
  CHECK(renamed(R"({"b":0, "a":1, "b":2, "c":3})", "/a", "b") == R"({ "b":1, "c":3})");
  CHECK(renamed(R"({"a":0,"a":1})", "/a", "b") == R"({"b":1})");
  CHECK(renamed(R"({"a":0,"b":1})", "/a", "b") == R"({"b":0})");
  CHECK(renamed(R"([1])", "/0", "b") == "[1]");
  CHECK(renamed(R"({"a":1})", "/a", "a") == R"({"a":1})");
}

TEST_CASE("a value is set in its place, or behind the others") {
  CHECK(set(R"({"a": 1 ,"b":2})", "/a", "true") == R"({"a": true ,"b":2})");
  CHECK(set(R"({"a":1})", "/b", "[]") == R"({"a":1,"b":[]})");
  CHECK(set(R"({ })", "/b", "0") == R"({"b":0 })");
  CHECK(set(R"({"a":{}})", "/a/b/c~1", "0") == R"({"a":{"b":{"c/":0}}})");
  CHECK(set("[1,2]", "/1", "9") == "[1,9]");
  CHECK(set("[1,2]", "/-", "9") == "[1,2,9]");
  CHECK(set("[]", "/0", "9") == "[9]");
  CHECK(set("[1]", "/7", "9") == "refused: [1]");
  CHECK(set(R"({"a":1})", "/a/b", "9") == R"(refused: {"a":1})");
  CHECK(set("17", "/a", "9") == "refused: 17");
}

TEST_CASE("strings are read and written") {
  CHECK(common::json_string(R"("a\n\"\\\/\u0041\u00e9\u20ac\ud83d\ude00")") ==
        "a\n\"\\/A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(common::json_string(R"("\ud83d!")") == "\xef\xbf\xbd!");
  CHECK_FALSE(common::json_string("17"));
  CHECK(common::json_quoted("a\"\n") == R"("a\"\n")");
  CHECK(common::json_quoted("a\xff"
                            "b") ==
        "\"a\xef\xbf\xbd"
        "b\"");
}

// Only what the parser took is edited; and whatever is done to that, the parser takes it again.
TEST_CASE("what was JSON stays JSON, and what was none ends no process") {
  std::mt19937 random(7);
  common::JsonText parser;
  const std::string_view characters = R"({}[],:"\ 0-1eEtrue/nulbu)";
  const std::string whole = R"({"a":[1,{"b":"\"]}"},[]],"b":{"a":{},"c":-1.5e3},"a":null})";
  const std::string_view pointers[] = {"/a", "/b", "/a/0", "/a/1/b", "/b/a", "/b/c/d", "/a/-"};
  int edited = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto text = whole;
    for (auto n = random() % 3; n > 0; --n)
      text[random() % text.size()] = characters[random() % characters.size()];
    if (random() % 4 == 0) text.resize(random() % text.size());
    const bool is_json = parser.parse(text);
    const auto pointer = at(pointers[random() % std::size(pointers)]);
    JsonPicks picks;
    picks.add(pointer);
    JsonEdit edit(text);
    const auto how = random() % 4;
    if (how == 0) edit.pick(picks);
    if (how == 1) edit.remove(pointer);
    if (how == 2) edit.rename(pointer, "b");
    if (how == 3) (void)edit.set(pointer, "[0]");
    if (!is_json || !edit.has_fields()) continue;
    ++edited;
    INFO(text << " became " << edit.text());
    REQUIRE(parser.parse(edit.text()));
  }
  CHECK(edited > 1000);
}
