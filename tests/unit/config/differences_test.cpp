// SPDX-License-Identifier: Apache-2.0
#include "config/differences.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using standpipe::config::Bundle;
using standpipe::config::Difference;
using Texts = std::vector<std::string>;

namespace {

constexpr auto kBefore = R"(
memory_max: 4MiB
sources: {in: {fifo: in}, old: {fifo: old, mode: "0600"}}
handlers:
  x: {plugin: log, options: {path: x.out, format: frames}}
  y: {plugin: print}
routes:
  - {from: in, to: x}
  - {name: rest, from: old, to: y}
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

std::vector<Difference> differences(const Texts& before, const Texts& after) {
  const auto bundle = [](const Texts& files) {
    Bundle all{.name = "t.yaml", .place = "/t.yaml", .files = {}};
    for (const auto& text : files) all.files.push_back({"t.yaml", "/t.yaml", text});
    return all;
  };
  return standpipe::config::differences(bundle(before), bundle(after));
}

Texts texts(const std::string& after) {
  Texts all;
  for (const auto& difference : differences({kBefore}, {after})) all.push_back(difference.text());
  return all;
}

Texts changed(const std::string& from, const std::string& to) {
  return texts(replaced(kBefore, from, to));
}

}  // namespace

TEST_CASE("the same text has no differences, nor has another order of keys") {
  CHECK(texts(kBefore).empty());
  CHECK(changed("path: x.out, format: frames", "format: frames, path: x.out").empty());
  CHECK(changed("memory_max: 4MiB", "x-note: new\nmemory_max: 4MiB").empty());
  CHECK(changed("memory_max: 4MiB", "tests: []\nmemory_max: 4MiB").empty());  // not the hub's
}

TEST_CASE("each kind of part is added, removed and changed") {
  CHECK(changed("in: {fifo: in}, ", "in: {fifo: in}, b: {fifo: b}, ") ==
        Texts{"added    source b"});
  CHECK(changed("  y: {plugin: print}\n", "") == Texts{"removed  handler y"});
  CHECK(changed("format: frames", "format: lines") == Texts{"changed  handler x: options.format"});
  CHECK(changed("from: in, to: x", "from: in, to: [x, y]") == Texts{"changed  route 1: to"});
  CHECK(changed("from: old, to: y", "from: old, to: x") == Texts{"changed  route 'rest': to"});
  CHECK(changed("4MiB", "8MiB") == Texts{"changed  setting memory_max"});
  CHECK(changed("memory_max: 4MiB", "") == Texts{"removed  setting memory_max"});
}

TEST_CASE("a source with another name and the same FIFO is renamed") {
  CHECK(changed("old: {fifo: old", "new: {fifo: old") == Texts{"renamed  source old -> new"});
  CHECK(changed("old: {fifo: old, mode: \"0600\"}", "new: {fifo: old}") ==
        Texts{"renamed  source old -> new", "changed  source new: mode"});
}

TEST_CASE("routes in another order are a difference") {
  CHECK(texts(replaced(replaced(kBefore, "  - {from: in, to: x}\n", ""), "to: y}\n",
                       "to: y}\n  - {from: in, to: x}\n")) ==
        Texts{"removed  route 1", "added    route 2"});
}

TEST_CASE("many changed keys are counted and not all named") {
  CHECK(changed("{plugin: print}",
                "{plugin: log, timeout: 1s, isolation: thread, dead_letter: false, retry: {}}") ==
        Texts{"changed  handler y: dead_letter, isolation, plugin, retry and 1 more"});
}

TEST_CASE("programs get the same") {
  const auto all =
      differences({kBefore}, {replaced(kBefore, "old: {fifo: old", "new: {fifo: old")});
  REQUIRE(all.size() == 1);
  CHECK(all[0].json() == R"({"change":"renamed","what":"source","name":"old","detail":"new"})");
}

TEST_CASE("what stands in several files is one configuration") {
  const std::string sources = "sources: {a: {fifo: a}}\n", routes = "routes: [{from: a, to: x}]\n";
  const std::string handlers = "handlers: {x: {plugin: print}}\n";
  CHECK(differences({sources + handlers + routes}, {routes, sources, handlers}).empty());
  const auto all =
      differences({sources, handlers, routes}, {sources, handlers + routes, "version: 1"});
  REQUIRE(all.size() == 1);
  CHECK(all[0].text() == "added    setting version");
}
