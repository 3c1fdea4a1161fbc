// SPDX-License-Identifier: Apache-2.0
#include "match/route_index.h"

#include <catch2/catch.hpp>
#include <string>

#include "kit.h"

using namespace standpipe::match;

namespace {

// The routes that take the payload.
std::string taken(const std::vector<RouteOptions>& routes, std::string_view payload) {
  std::vector<const RouteOptions*> list;
  for (const auto& route : routes) list.push_back(&route);
  RegexMemory memory;
  const RouteIndex index(list, memory);
  Workspace workspace;
  index.find({bytes(payload)}, 1000, workspace);
  std::string out;
  for (const auto route : workspace.taken) out += std::to_string(route) + ",";
  return out;
}

std::vector<RouteOptions> many(std::size_t n, Rule (*rule)(std::size_t)) {
  std::vector<RouteOptions> routes;
  for (std::size_t i = 0; i < n; ++i) routes.push_back(route(rule(i), {i}));
  return routes;
}

Rule prefix(std::size_t i) { return text_rule(Op::prefix, "device-" + std::to_string(i)); }
Rule id(std::size_t i) { return json_rule("/id", Op::eq, Value::natural(i)); }
Rule ends(std::size_t i) { return regex_rule(Subject::text, std::to_string(i) + "$"); }
Rule whole(std::size_t i) { return text_rule(Op::eq, std::to_string(i)); }

}  // namespace

TEST_CASE("every prefix that a payload has is found") {
  const auto routes = many(200, prefix);
  CHECK(taken(routes, "device-117 x") == "1,11,117,");
  CHECK(taken(routes, "device-") == "");
  CHECK(taken(routes, "devic") == "");
}

TEST_CASE("equal payloads, values and patterns are found among many") {
  CHECK(taken(many(200, whole), "117") == "117,");
  CHECK(taken(many(200, whole), "1170") == "");
  CHECK(taken(many(200, id), R"({"id":117.0})") == "117,");
  CHECK(taken(many(200, id), R"({"id":"117"})") == "");
  CHECK(taken(many(200, id), R"({"id":117)") == "");
  CHECK(taken(many(200, ends), "no 117") == "7,17,117,");
}

TEST_CASE("final stops at a route however it was found") {
  auto routes = many(10, id);
  routes.push_back(route({}, {1}));
  routes[3].final = true;
  CHECK(taken(routes, R"({"id":3})") == "3,");
  CHECK(taken(routes, R"({"id":4})") == "4,10,");
  routes.insert(routes.begin(), route(text_rule(Op::contains, "id"), {2}, true));
  CHECK(taken(routes, R"({"id":3})") == "0,");
}

TEST_CASE("a document is not parsed where an earlier route ends the search") {
  auto routes = many(10, id);
  routes.insert(routes.begin(), route(text_rule(Op::prefix, "x"), {2}, true));
  std::vector<const RouteOptions*> list;
  for (const auto& route : routes) list.push_back(&route);
  RegexMemory memory;
  const RouteIndex index(list, memory);
  Workspace workspace;
  REQUIRE(workspace.json.parse("[5]") == Json::Verdict::good);
  index.find({bytes("x")}, 1000, workspace);
  CHECK(workspace.json.find(std::get<Pointer>(parse_pointer("/0"))).shown() == "5");
}

TEST_CASE("a route with several keys is found by each") {
  std::vector<RouteOptions> routes;
  for (std::size_t i = 0; i < 10; ++i)
    routes.push_back(route(any_of({prefix(i), id(i), ends(i)}), {i}));
  CHECK(taken(routes, "device-3 4") == "3,4,");
  CHECK(taken(routes, R"({"id":5})") == "5,");
}

TEST_CASE("more routes than one word has bits keep their order") {
  auto routes = many(150, id);
  for (auto& route : routes) route.rule.conditions[0].operands = {Operand(Value::integer(1))};
  std::string all;
  for (std::size_t i = 0; i < 150; ++i) all += std::to_string(i) + ",";
  CHECK(taken(routes, R"({"id":1})") == all);
  routes[100].final = true;
  CHECK(taken(routes, R"({"id":1})").ends_with("99,100,"));
}

TEST_CASE("what is larger than match_max is found by its size and metadata alone") {
  auto routes = many(10, prefix);
  routes.push_back(route(size_rule(Op::gt, 1000), {1}));
  CHECK(taken(routes, "device-1" + std::string(1000, 'x')) == "10,");
}

TEST_CASE("patterns that may be slow are tried one by one, after what is cheap") {
  const auto slow = [](std::size_t i) {
    return both(regex_rule(Subject::text, "a[ab]{20}" + std::to_string(i)), prefix(i));
  };
  auto routes = many(10, +slow);
  for (std::size_t i = 0; i < 3; ++i)
    routes.push_back(route(regex_rule(Subject::text, "b[ab]{20}" + std::to_string(i)), {i}));
  const auto text = "device-1 a" + std::string(20, 'b');
  CHECK(taken(routes, text + "1") == "1,");
  CHECK(taken(routes, text + "b2") == "12,");
}
