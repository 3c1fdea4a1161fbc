// SPDX-License-Identifier: Apache-2.0
#include "worker/report.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Report;

namespace {

constexpr Nanoseconds kNoon = 1'714'564'800s;  // 2024-05-01 12:00:00 UTC

Report report() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  Report r{
      .facts = {.file = "orders.yaml", .since = kNoon, .process = 4711}, .handlers = {{"out", {}}}, .relays = {}, .account = {}};
  r.account.sources.push_back({"in", {.accepted = 3, .matched = 3}});
  r.account.lines.push_back({"in", "out", {.matched = 3, .delivered = 2}, 1});
  return r;
}

}  // namespace

TEST_CASE("the account stands below since when which configuration runs") {
  CHECK(report().text(kNoon + 1h) ==
        "running since 2024-05-01 12:00:00 +0000, process 4711, orders.yaml\n" + report().account.text());
}

TEST_CASE("handlers that are not ready, and restarts of the worker, are said") {
  auto r = report();
  r.facts.restarts = 2;
  r.handlers.push_back({"billing", {.name = "held", .reason = "no route to db"}});
  CHECK(r.text(kNoon).starts_with(
      "running since 2024-05-01 12:00:00 +0000, process 4711, orders.yaml; the worker was restarted 2 times\n"));
  CHECK(r.text(kNoon).ends_with("\n  handler billing is held: no route to db\n"));
}

TEST_CASE("for programs it is one object") {
  CHECK(report().json() == R"({"since":"2024-05-01T12:00:00Z","file":"orders.yaml","process":4711,"restarts":0,)"
                           R"("source_states":{},"handlers":{"out":{"state":"ready"}},"overflows":{},"relays":[],)" +
                               report().account.json().substr(1));
}

TEST_CASE("a source that drains is said, with since when and how much was thrown away") {
  using worker::SourceState;
  auto r = report();
  r.sources = {{"fine", {}}, {"in", {SourceState::Kind::draining, kNoon, "a bad frame, 1,234 bytes so far", 1234}}};
  CHECK(r.text(kNoon + 1h).ends_with("\n  source in is draining since 12:00:00: a bad frame, 1,234 bytes so far\n"));
  CHECK(r.text(kNoon).find("fine") == std::string::npos);
  CHECK(r.json().find(R"("in":{"state":"draining","since":"2024-05-01T12:00:00Z",)"
                      R"("reason":"a bad frame, 1,234 bytes so far","discarded_bytes":1234})") != std::string::npos);
}

TEST_CASE("where bytes go by reference is said, and why not where they could") {
  auto r = report();
  r.relays = {{"in", "/run/out", 4096, {}}, {"other", "/run/o", 0, "others may write to its FIFO (mode 0620)"}};
  CHECK(
      r.text(kNoon).ends_with("\n  in -> /run/out: 4,096 bytes went by reference\n"
                              "  other -> /run/o: every byte is copied, for others may write to its FIFO (mode 0620)\n"));
  CHECK(r.json().find(R"("relays":[{"source":"in","output":"/run/out","bytes":4096,"refused":null},)") != std::string::npos);
}

TEST_CASE("a source that cannot be reached is said with since when and why; one that serves is not") {
  auto r = report();
  using Kind = worker::SourceState::Kind;
  r.sources = {{"in", {}}, {"lost", {Kind::unreachable, kNoon, "/run/lost was removed"}}};
  CHECK(r.text(kNoon).ends_with("\n  source lost is unreachable since 12:00:00: /run/lost was removed\n"));
  CHECK(r.json().find(R"("source_states":{"in":{"state":"serving"},"lost":{"state":"unreachable",)"
                      R"("since":"2024-05-01T12:00:00Z","reason":"/run/lost was removed"}},)") != std::string::npos);
}

TEST_CASE("a call that has not come back is said with its time, and by the millisecond for programs") {
  auto r = report();
  r.handlers[0].state.phase = "handle";
  r.handlers[0].state.in_call = 25s;
  CHECK(r.text(kNoon).ends_with("\n  handler out is ready, in one call of handle since 25 s\n"));
  CHECK(r.json().find(R"("out":{"state":"ready","in_call":"handle","in_call_ms":25000})") != std::string::npos);
  r.handlers[0].state.in_call = 20ms;
  CHECK(r.text(kNoon).find("handler out") == std::string::npos);
}
