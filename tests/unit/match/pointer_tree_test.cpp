// SPDX-License-Identifier: Apache-2.0
#include "match/pointer_tree.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "match/json.h"

using namespace standpipe::match;

namespace {

// What the pointers lead to, in one walk.
std::string collected(const std::vector<std::string>& pointers, std::string_view text) {
  PointerTree tree;
  std::vector<PointerTree::NodeId> nodes;
  for (const auto& pointer : pointers)
    nodes.push_back(tree.add(std::get<Pointer>(parse_pointer(pointer))));
  Json json;
  FoundValues found;
  for (const auto* before : {R"({"a":{"b":"old"},"c":"old"})", ""}) {
    REQUIRE(json.parse(*before ? before : text) == Json::Verdict::good);
    json.collect(tree, found);
  }
  std::string out;
  for (const auto node : nodes) out += found.value(node).shown() + " ";
  return out;
}

}  // namespace

TEST_CASE("one walk finds what all pointers lead to, and nothing of an earlier document") {
  CHECK(collected({"/a/b", "/a", "/c", "", "/a/b"}, R"({"a":{"b":1}})") ==
        "1 an object nothing an object 1 ");
  CHECK(collected({"/7", "/2", "/0", "/9", "/1/0", "/10"}, "[0,[1],2,3,4,5,6,7,8,9]") ==
        "7 2 0 9 1 nothing ");
  CHECK(collected({"/a/1", "/a/0/b", "/a/-"}, R"({"a":[{"b":null},2]})") == "2 null nothing ");
}

TEST_CASE("of duplicate keys the last wins, and nothing is left of the others") {
  CHECK(collected({"/a/b", "/a/c", "/a"}, R"({"a":{"b":1},"a":{"c":2}})") ==
        "nothing 2 an object ");
  CHECK(collected({"/a/b/c", "/a/b"}, R"({"a":{"b":{"c":1}},"a":{"b":5}})") == "nothing 5 ");
  CHECK(collected({"/a/b"}, R"({"a":{"b":1},"a":7})") == "nothing ");
  CHECK(collected({"/a/b", "/a/b/c", "/x"}, R"({"a":{"b":{"c":1}},"x":9,"a":{},"a":{"b":2}})") ==
        "2 nothing 9 ");
}

TEST_CASE("equal pointers are one, and many names of one object are told apart") {
  PointerTree tree;
  std::vector<PointerTree::NodeId> nodes;
  for (int i = 0; i < 100; ++i)
    nodes.push_back(tree.add(std::get<Pointer>(parse_pointer("/x/" + std::to_string(i)))));
  CHECK(tree.size() == 102);
  CHECK(tree.add(std::get<Pointer>(parse_pointer("/x/57"))) == nodes[57]);
  CHECK(!tree.child(tree.child(PointerTree::kRoot, "x").value(), "100"));
}
