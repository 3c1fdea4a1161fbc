// SPDX-License-Identifier: Apache-2.0
#include "rehearsal/verdict.h"

#include <catch2/catch.hpp>

#include "kit.h"

using namespace standpipe;
using Texts = std::vector<std::string>;

namespace {

// What comes of the only test of a configuration; `keys` are those of the test.
rehearsal::Verdict verdict(const std::string& keys, const std::string& more = "") {
  const Configuration configuration(kHub + more + "tests: [{ " + keys + " }]\n");
  rehearsal::Rehearsal rehearsal(configuration.hub());
  return rehearsal::run_test(rehearsal, configuration.hub().tests[0]);
}

Texts reasons(const rehearsal::Verdict& verdict) {
  Texts texts;
  for (const auto& reason : verdict.because) texts.push_back(reason.text);
  return texts;
}

}  // namespace

TEST_CASE("a test passes when all that it expects comes") {
  CHECK(verdict("send: { source: in, text: ping }, expect: { screen: 1, lost: 0, unmatched: 0 }")
            .passed);
  CHECK(verdict("send: { source: in, text: abc }, expect: { screen: { payload: abc } }").passed);
  CHECK(verdict("send: [{ source: in, text: a }, { source: in, text: b }], "
                "expect: { screen: { payload: [a, b] } }")
            .passed);
  CHECK(verdict("send: { source: in, raw: { hex: \"ff\" } }, expect: { truncated: 1 }").passed);
  CHECK(verdict("send: { source: in, text: abc }, fail: { handler: lost, with: reject }, "
                "expect: { lost: 0, dropped: 1, dead_letter: 0 }")
            .passed);
}

TEST_CASE("where a message did not come, the route that should have taken it says why not") {
  const auto v = verdict("send: { source: in, text: long one }, expect: { lost: 1 }");
  CHECK_FALSE(v.passed);
  CHECK(v.sent == Texts{"in  long one"});
  CHECK(v.expected == Texts{"lost 1"});
  CHECK(v.got == Texts{"lost 0", "unmatched 1"});
  REQUIRE(v.because.size() == 2);
  CHECK_THAT(v.because[0].text, Catch::Contains("short: size = 8"));
  CHECK(v.because[0].place.starts_with("/etc/t.yaml:8:"));
  CHECK_THAT(v.because[1].text, Catch::Contains("patience: text = \"long one\""));
}

TEST_CASE("a final route that took it before is named") {
  const auto v = verdict("send: { source: in, text: ping! }, expect: { patient: 1 }");
  CHECK(v.got == Texts{"patient 0", "screen 1 (by route pings)"});
  CHECK(reasons(v) == Texts{"patience: 'pings' is final and took it before"});
}

TEST_CASE("a route without a name is called by its number, once") {
  const Configuration configuration(
      "sources: { in: { fifo: in } }\n"
      "handlers: { screen: { plugin: print } }\n"
      "routes: [{ from: in, to: screen }]\n"
      "tests: [{ name: one, send: { source: in, text: x }, expect: { screen: 0 } }]\n");
  rehearsal::Rehearsal rehearsal(configuration.hub());
  const auto v = rehearsal::run_test(rehearsal, configuration.hub().tests[0]);
  CHECK(v.got == Texts{"screen 1 (by route 1)"});
}

TEST_CASE("that no route leads there is said") {
  CHECK(reasons(verdict("send: { source: more, text: x }, expect: { screen: 1 }")) ==
        Texts{"no route leads from more to screen"});
}

TEST_CASE("where too many came, the routes that brought them are named") {
  const auto v = verdict("send: { source: in, text: ab! }, expect: { lost: 0 }");
  CHECK(v.expected == Texts{"lost 0"});
  CHECK(v.got[0] == "lost 1 (by routes short, patience)");
  CHECK(v.because.size() == 2);
  const auto rest =
      verdict("send: { source: more, text: x }, expect: { lost: 0 }", "unmatched: lost\n");
  CHECK(rest.got == Texts{"lost 1 (as unmatched)", "unmatched 1"});
  CHECK(reasons(rest) == Texts{"no route wants it, so it is left to `unmatched`"});
}

TEST_CASE("a handler that fails in the test is why it has nothing") {
  const auto v = verdict(
      "send: { source: in, text: ping }, fail: { handler: screen, with: reject }, expect: { "
      "screen: "
      "1 }");
  CHECK(v.got == Texts{"screen 0", "dead_letter 1"});
  CHECK(reasons(v) == Texts{"screen was given it, and fails in this test"});
}

TEST_CASE("a fault that the test does not name fails it") {
  const auto v = verdict("send: { source: in, raw: \"hello, world\" }, expect: { screen: 0 }");
  CHECK_FALSE(v.passed);
  CHECK(v.expected == Texts{"no bad_frame"});
  CHECK(v.got == Texts{"bad_frame 1"});
  REQUIRE(v.because.size() == 1);
  CHECK_THAT(v.because[0].text,
             Catch::Contains("in: a frame claims 1,819,043,176 bytes (limit 100)"));
}

TEST_CASE("payloads that differ are shown beside what was wanted") {
  const auto v = verdict("send: { source: in, text: abc }, expect: { screen: { payload: abd } }");
  CHECK_FALSE(v.passed);
  REQUIRE(v.differences.size() == 1);
  CHECK(v.differences[0].wanted == "screen  abd");
  CHECK(v.differences[0].got == "abc");
}

TEST_CASE("at least one message must come where only its payload is told") {
  const auto v = verdict("send: { source: more, text: x }, expect: { lost: { payload: x } }");
  CHECK_FALSE(v.passed);
  CHECK(v.expected == Texts{"lost 1 or more"});
}

TEST_CASE("reasons are bounded, whatever is sent") {
  std::string sends;
  for (int i = 0; i < 100; ++i)
    sends += (i ? ", " : "") + std::string("{ source: in, text: \"nobody wants ") +
             std::to_string(i) + "\" }";
  const auto v = verdict("send: [" + sends + "], expect: { lost: 100 }");
  CHECK(v.because.size() == 8);
  CHECK(v.sent.size() == 9);
  CHECK(v.sent.back() == "and 92 more");
}
