// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/rehearsal.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "kit.h"

using namespace standpipe;
using Handlers = std::vector<std::size_t>;

TEST_CASE("a message goes where a running hub's matcher sends it") {
  const Configuration configuration(kHub);
  rehearsal::Rehearsal rehearsal(configuration.hub());
  const auto to = [&](std::size_t source, const std::string& payload) {
    auto routed = rehearsal.route(source, payload);
    std::sort(routed.handlers.begin(), routed.handlers.end());
    CHECK(routed.wanted == !routed.handlers.empty());  // there is no unmatched handler
    return routed.handlers;
  };
  CHECK(to(0, "ping!") == Handlers{0});
  CHECK(to(0, "abc") == Handlers{0, 1});
  CHECK(to(0, "abc!") == Handlers{0, 1, 2});  // each once
  CHECK(to(1, "abc!") == Handlers{1, 2});
  CHECK(to(1, "ping").empty());
}

TEST_CASE("what no route wants goes to the unmatched handler") {
  const Configuration configuration(kHub + "unmatched: patient\n");
  rehearsal::Rehearsal rehearsal(configuration.hub());
  const auto routed = rehearsal.route(1, "ping");
  CHECK_FALSE(routed.wanted);
  CHECK(routed.handlers == Handlers{2});
}

TEST_CASE("the explanation says the same, and why") {
  const Configuration configuration(kHub);
  const rehearsal::Rehearsal rehearsal(configuration.hub());
  const auto why = rehearsal.explain(0, "ping!");
  REQUIRE(why.routes.size() == 3);
  CHECK(why.routes[0].matched);
  CHECK_FALSE(why.routes[1].reached);
  CHECK(why.handlers == Handlers{0});
  CHECK(why.stopped_by == 0);
}

TEST_CASE("a message that is too large for its source is framed all the same") {
  const Configuration configuration(kHub);
  const rehearsal::Rehearsal rehearsal(configuration.hub());
  const std::string large(101, 'x');
  CHECK(rehearsal.framed(0, large).substr(4) == large);
  CHECK(rehearsal.framed(0, "").size() == 4);
}

TEST_CASE("what is too large to be looked into is so for the route and for its explanation") {
  const Configuration configuration(
      "match_max: 10B\n"
      "sources: { in: { fifo: in }, more: { fifo: more, match_max: 1KiB } }\n"
      "handlers: { a: { plugin: print } }\n"
      "routes: [{ from: [in, more], match: { text: { prefix: p } }, to: a }]\n");
  rehearsal::Rehearsal rehearsal(configuration.hub());
  for (const auto& [source, payload, wanted] :
       {std::tuple(0, "ping", true), {0, "ping ping ping", false}, {1, "ping ping ping", true}}) {
    INFO(source << ' ' << payload);
    CHECK(rehearsal.route(source, payload).wanted == wanted);
    CHECK(rehearsal.explain(source, payload).unmatched == !wanted);
  }
}

TEST_CASE("a FIFO's path is what a source knows of its messages") {
  const Configuration configuration(
      "sources: { in: { fifo: in }, more: { fifo: more } }\n"
      "handlers: { a: { plugin: print } }\n"
      "routes: [{ from: [in, more], match: { meta: { fifo: /etc/in } }, to: a }]\n");
  rehearsal::Rehearsal rehearsal(configuration.hub());
  CHECK(rehearsal.route(0, "x").wanted);
  CHECK_FALSE(rehearsal.route(1, "x").wanted);
  CHECK(rehearsal.route(1, "x", {{"fifo", "/etc/in"}}).wanted);  // a test may say otherwise
}
