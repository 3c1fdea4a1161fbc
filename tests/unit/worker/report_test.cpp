// SPDX-License-Identifier: Apache-2.0
#include "worker/report.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>

#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using worker::Report;

namespace {

constexpr Nanoseconds kNoon = 1'714'564'800s;  // 2024-05-01 12:00:00 UTC

Report report() {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  Report r{.facts = {.file = "orders.yaml", .since = kNoon, .process = 4711},
           .handlers = {{"out", {}}},
           .relays = {},
           .account = {}};
  r.account.sources.push_back({"in", {.accepted = 3, .matched = 3}});
  r.account.lines.push_back({"in", "out", {.matched = 3, .delivered = 2}, 1});
  return r;
}

}  // namespace

TEST_CASE("the account stands below since when which configuration runs") {
  CHECK(report().text(kNoon + 1h) ==
        "running since 2024-05-01 12:00:00 +0000, process 4711, orders.yaml\n" +
            report().account.text());
}

TEST_CASE("the longest round of the loop is reported, with its time, once there was one") {
  auto r = report();
  CHECK_THAT(r.json(), Catch::Contains(R"("longest_round":null,)"));
  r.longest_round = {.took = 12'034'567ns, .ended = kNoon + 30min};
  CHECK(r.text(kNoon + 1h)
            .starts_with("running since 2024-05-01 12:00:00 +0000, process 4711, orders.yaml; the "
                         "loop's longest round "
                         "took 12.034 ms, at 12:30:00\n"));
  CHECK_THAT(r.json(),
             Catch::Contains(R"("longest_round":{"ms":12.034,"ended":"2024-05-01T12:30:00Z"},)"));
}

TEST_CASE("handlers that are not ready, and restarts of the worker, are reported") {
  auto r = report();
  r.facts.restarts = 2;
  r.handlers.push_back({"billing", {.name = "held", .reason = "no route to db"}});
  CHECK(
      r.text(kNoon).starts_with("running since 2024-05-01 12:00:00 +0000, process 4711, "
                                "orders.yaml; the worker was restarted 2 times\n"));
  CHECK(r.text(kNoon).ends_with("\n  handler billing is held: no route to db\n"));
}

TEST_CASE("a source whose plugin is held is reported as a source") {
  auto r = report();
  r.handlers.push_back({"feed", {.name = "held", .reason = "no such topic"}, true});
  CHECK(r.text(kNoon).ends_with("\n  source feed is held: no such topic\n"));
}

TEST_CASE(
    "when the configuration in force was read is reported, and whether the file has changed") {
  auto r = report();
  r.facts.loaded = kNoon + 30min;
  CHECK(r.text(kNoon + 1h).find("orders.yaml (loaded 12:30:00, unchanged on disk)\n") !=
        std::string::npos);
  r.facts.changed_on_disk = true;
  CHECK(r.text(kNoon + 1h).find("orders.yaml (loaded 12:30:00, changed on disk since)\n") !=
        std::string::npos);
}

TEST_CASE("for programs it is one object") {
  auto r = report();
  r.facts.loaded = kNoon + 1h;
  r.facts.generation = 2;
  r.facts.changed_on_disk = true;
  CHECK(r.json() ==
        R"({"since":"2024-05-01T12:00:00Z","file":"orders.yaml","process":4711,)"
        R"("loaded":"2024-05-01T13:00:00Z","generation":2,"changed_on_disk":true,"restarts":0,)"
        R"("longest_round":null,"source_states":{},"handlers":{"out":{"state":"ready","taken":0}},)"
        R"("overflows":{},"queues":{},"relays":[],)" +
            report().account.json().substr(1));
}

TEST_CASE("a queue on disk is in the report, and a trouble when it takes no more") {
  auto r = report();
  r.queues = {{"in", "out", "/data/queue/in/out", 5, 100, 200, ""}};
  CHECK(r.text(r.facts.since).find("queue") == std::string::npos);
  CHECK(r.json().find(R"("queues":{"in -> out":{"path":"/data/queue/in/out","messages":5,)"
                      R"("bytes":100,"max_bytes":200,"stuck":null}})") != std::string::npos);
  r.queues[0].stuck = "it is full";
  CHECK(r.text(r.facts.since)
            .find("the queue in -> out in /data/queue/in/out takes no more: it is full") !=
        std::string::npos);
  CHECK(r.json().find(R"("stuck":"it is full")") != std::string::npos);
}

TEST_CASE("what overflows is reported by source and handler, and that writers wait if it is full") {
  auto r = report();
  r.queues = {{"in", "out", "/data/queue/in/out", 5000, 1'000'000, 1 << 30, "", kNoon}};
  CHECK(r.text(kNoon + 1h)
            .ends_with("\n  in -> out: 5,000 messages overflowed to /data/queue/in/out since "
                       "12:00:00, 1,000,000 bytes of at most 1GiB for all\n"));
  CHECK_THAT(
      r.json(),
      Catch::Contains(R"("overflows":{"in -> out":{"path":"/data/queue/in/out","messages":5000,)"
                      R"("bytes":1000000,"max_bytes":1073741824,"since":"2024-05-01T12:00:00Z",)"
                      R"("stuck":null}},"queues":{},)"));
  r.queues[0].stuck = "it is full";
  CHECK(r.text(kNoon + 1h).ends_with("; it takes no more, so writers wait: it is full\n"));
}

TEST_CASE("a source that discards is reported, with since when and how much was thrown away") {
  using worker::SourceState;
  auto r = report();
  r.sources = {
      {"fine", {}},
      {"in", {SourceState::Kind::discarding, kNoon, "a bad frame, 1,234 bytes so far", 1234}}};
  CHECK(r.text(kNoon + 1h)
            .ends_with(
                "\n  source in is discarding since 12:00:00: a bad frame, 1,234 bytes so far\n"));
  CHECK(r.text(kNoon).find("fine") == std::string::npos);
  CHECK(r.json().find(R"("in":{"state":"discarding","since":"2024-05-01T12:00:00Z",)"
                      R"("reason":"a bad frame, 1,234 bytes so far","discarded_bytes":1234})") !=
        std::string::npos);
}

TEST_CASE("where bytes go by reference is reported, and why not where they could") {
  auto r = report();
  r.relays = {{"in", "/run/out", 4096, {}},
              {"other", "/run/o", 0, "others may write to its FIFO (mode 0620)"}};
  CHECK(r.text(kNoon).ends_with(
      "\n  in -> /run/out: 4,096 bytes went by reference\n"
      "  other -> /run/o: every byte is copied, for others may write to its FIFO (mode 0620)\n"));
  CHECK(r.json().find(
            R"("relays":[{"source":"in","output":"/run/out","bytes":4096,"refused":null},)") !=
        std::string::npos);
}

TEST_CASE(
    "a source that cannot be reached is reported with since when and why; one that serves is not") {
  auto r = report();
  using Kind = worker::SourceState::Kind;
  r.sources = {{"in", {}}, {"lost", {Kind::unreachable, kNoon, "/run/lost was removed"}}};
  CHECK(r.text(kNoon).ends_with(
      "\n  source lost is unreachable since 12:00:00: /run/lost was removed\n"));
  CHECK(r.json().find(R"("source_states":{"in":{"state":"serving"},"lost":{"state":"unreachable",)"
                      R"("since":"2024-05-01T12:00:00Z","reason":"/run/lost was removed"}},)") !=
        std::string::npos);
}

TEST_CASE(
    "a call that has not come back is reported with its time, and by the millisecond for "
    "programs") {
  auto r = report();
  r.handlers[0].state.phase = "handle";
  r.handlers[0].state.in_call = 25s;
  CHECK(r.text(kNoon).ends_with("\n  handler out is ready, in one call of handle since 25 s\n"));
  CHECK(r.json().find(R"("out":{"state":"ready","in_call":"handle","in_call_ms":25000,)"
                      R"("taken":0})") != std::string::npos);
  r.handlers[0].state.in_call = 20ms;
  CHECK(r.text(kNoon).find("handler out") == std::string::npos);
}

TEST_CASE("what a plugin has taken and not settled is reported with the age of the oldest") {
  auto r = report();
  r.handlers[0].state.taken = 1200;
  r.handlers[0].state.oldest_taken = 3'456ms;
  CHECK(
      r.text(kNoon).ends_with("\n  handler out has taken 1,200 messages that it has not settled "
                              "yet, the oldest 3 s ago\n"));
  CHECK_THAT(r.json(),
             Catch::Contains(R"("out":{"state":"ready","taken":1200,"oldest_taken_ms":3456}})"));
  CHECK(
      r.glance(kNoon, 0ns).notes ==
      std::vector<std::string>{
          "handler out has taken 1,200 messages that it has not settled yet, the oldest 3 s ago"});
  r.handlers[0].state.taken = 1;
  r.handlers[0].state.oldest_taken = 20ms;
  CHECK(r.text(kNoon).ends_with(
      "\n  handler out has taken 1 message that it has not settled yet, 20 ms ago\n"));
}

TEST_CASE("at a glance it has the counters, what was dropped by reason, and what is not well") {
  auto r = report();
  r.account.lines.push_back({"in", "rest", {.matched = 9, .delivered = 1, .dead_lettered = 2}, 2});
  r.account.lines.back().tally.drop(deliver::Reason::queue_full, 3);
  r.account.lines.back().tally.drop(deliver::Reason::expired, 1);
  r.account.lines.back().saved = 2;
  r.account.lines.front().oldest = static_cast<std::uint64_t>((kNoon + 59min).count());
  r.account.sources.back().counters.unmatched = 4;
  r.handlers.push_back({"billing", {.name = "held", .reason = "no route to db"}});
  const auto g = r.glance(kNoon + 1h, 77ns);
  CHECK((g.file == "orders.yaml" && g.began == kNoon && g.loaded == kNoon && g.at == 77ns));
  CHECK_FALSE(g.written);  // there is no such file
  REQUIRE((g.sources.size() == 1 && g.deliveries.size() == 2 && g.dropped.size() == 2));
  CHECK((g.sources[0].accepted == 3 && g.sources[0].unmatched == 4));
  CHECK((g.deliveries[0].in_flight() == 1 && g.deliveries[1].in_flight() == 2));
  CHECK((g.deliveries[1].dropped == 4 && g.deliveries[1].saved == 2));
  CHECK((g.dropped[0].reason == "expired" && g.dropped[1].messages == 3));
  CHECK((g.deliveries[0].age == 1min && !g.deliveries[1].age));
  CHECK(g.notes == std::vector<std::string>{"handler billing is held: no route to db"});
  const test::TemporaryFolder folder;
  std::ofstream(folder / "orders.yaml") << "x";
  r.facts.place = folder / "orders.yaml";
  CHECK(r.glance(kNoon, 0ns).written > kNoon);
}
