// SPDX-License-Identifier: Apache-2.0
#include "cli/glance_table.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>

using namespace standpipe;
using namespace std::chrono_literals;
using cli::glance_text;
using cli::GlanceView;
using control::Glance;

namespace {

constexpr Nanoseconds kNoon = 1'714'564'800s;  // 2024-05-01 12:00:00 UTC

Glance glance(Nanoseconds at = 0s) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  Glance g;
  g.file = "orders.yaml";
  g.began = g.loaded = kNoon;
  g.written = kNoon - 1h;
  g.at = at;
  g.sources.push_back({"orders", 100, 0, 0});
  g.deliveries.push_back({"orders", "billing", 1000, 700, 0, 0, 3, 0});
  g.deliveries.push_back({"orders", "audit", 50, 50, 0, 0, 0, 0});
  return g;
}

std::string text(const Glance& now, const Glance* before = nullptr, const GlanceView& view = {}) {
  return glance_text(now, before, view, kNoon + 2h);
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// 1,000 sources, of which the higher numbers are busier.
std::pair<Glance, Glance> many() {
  auto before = glance(), now = glance(1s);
  before.deliveries.clear();
  now.deliveries.clear();
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto dropped = 1000 - i;
    before.deliveries.push_back({"s" + std::to_string(i), "out", dropped, 0, 0, dropped, 0, 0});
    now.deliveries.push_back(
        {"s" + std::to_string(i), "out", dropped + i, i / 2, 0, dropped, 0, 0});
  }
  return {before, now};
}

}  // namespace

TEST_CASE("a hub at a glance: since when, the account, a row a delivery") {
  auto now = glance(2s);
  now.deliveries[0].matched += 224;
  now.deliveries[0].delivered += 221;
  now.deliveries[0].age = 7900ms;
  now.deliveries[0].latency = {400us, 38ms};
  const auto before = glance();
  CHECK(text(now, &before) ==
        "running   since 12:00, orders.yaml (unchanged on disk)\n"
        "account   1,274 = delivered 971 + dead-lettered 3 + in flight 300\n"
        "SOURCE  HANDLER  IN/s  OUT/s  LAG  AGE    P50   P99  DROP  DEAD\n"
        "orders  billing   112    111  300   7s  0.4ms  38ms     0     3\n"
        "orders  audit       0      0    0    -      -     -     0     0\n");
}

TEST_CASE("without an earlier look there are no rates, nor where the hub began to count anew") {
  CHECK(text(glance()).find("billing     -      -  297") != std::string::npos);
  auto before = glance();
  before.deliveries[0].matched = 1'000'000;
  CHECK(text(glance(1s), &before).find("billing     -      0  297") != std::string::npos);
}

TEST_CASE("an age has the unit that it can be read in") {
  const auto shown = [](Nanoseconds age) {
    auto g = glance();
    g.deliveries[0].age = age;
    const auto line = lines(text(g))[3];
    return line.substr(line.find("297") + 3, 6);
  };
  CHECK(shown(999ms).starts_with("  999m"));
  CHECK(shown(99s).starts_with("  99s"));
  CHECK(shown(100s).starts_with("   1m"));
  CHECK(shown(100min).starts_with("   1h"));
  CHECK(shown(100h).starts_with("   4d"));
}

TEST_CASE("how long messages took has two figures, or three") {
  const auto shown = [](Nanoseconds took) {
    auto g = glance();
    g.deliveries[0].latency = {took, took};
    const auto line = lines(text(g))[3];
    const auto end = line.rfind("     0     3");
    return line.substr(line.rfind(' ', end - 1) + 1, end - line.rfind(' ', end - 1) - 1);
  };
  CHECK(shown(1024ns) == "1us");
  CHECK(shown(99'400ns) == "99us");
  CHECK(shown(99'600ns) == "0.1ms");
  CHECK(shown(9'949us) == "9.9ms");
  CHECK(shown(9'951us) == "10ms");
  CHECK(shown(999ms) == "999ms");
  CHECK(shown(999'600us) == "1s");
  CHECK(shown(1249ms) == "1.2s");
  CHECK(shown(99s) == "99s");
  CHECK(shown(130s) == "2m");
}

TEST_CASE("what became of a configuration's file is said") {
  auto g = glance();
  g.written = kNoon + 1h;
  CHECK(text(g).starts_with("running   since 12:00, orders.yaml (written to since, at 13:00)\n"));
  g.loaded = kNoon + 90min;
  CHECK(text(g).starts_with(
      "running   since 12:00, orders.yaml (loaded 13:30, unchanged on disk)\n"));
  g.written.reset();
  g.restarts = 1;
  CHECK(text(g).starts_with(
      "running   since 12:00, orders.yaml (loaded 13:30, no longer there); the worker was "
      "restarted 1 time\n"));
  CHECK(glance_text(g, nullptr, {}, kNoon + 48h).starts_with("running   since 2024-05-01 12:00, "));
}

TEST_CASE("what was dropped or unmatched is said with the reason") {
  auto g = glance();
  g.deliveries[0].dropped = 7;
  g.dropped.push_back({"queue_full", 7});
  CHECK(text(g).find(" + dropped 7 (queue_full) + dead-lettered 3 + in flight 290\n") !=
        std::string::npos);
  g.dropped.push_back({"expired", 2});
  CHECK(text(g).find(" + dropped 7 (7 queue_full, 2 expired) + ") != std::string::npos);
  g.sources[0] = {"orders", 1005, 5, 0};
  CHECK(text(g).find("\nunmatched 5 of 1,005 accepted: no route wanted them; dropped\n") !=
        std::string::npos);
  g.sources[0].unmatched_taken = 5;
  CHECK(text(g).find("; to the unmatched handler\n") != std::string::npos);
  g.sources[0].unmatched_taken = 3;
  CHECK(text(g).find("; 2 dropped\n") != std::string::npos);
}

TEST_CASE("notes stand below the table") {
  auto g = glance();
  g.notes = {"handler billing is held: no route to db"};
  CHECK(text(g).ends_with("     0\nhandler billing is held: no route to db\n"));
}

TEST_CASE("of 1,000 sources the busiest are shown where a screen has no room for all") {
  const auto [before, now] = many();
  const auto shown = lines(text(now, &before, {.width = 80, .height = 24}));
  REQUIRE(shown.size() <= 24);
  REQUIRE(shown.size() >= 22);
  CHECK(shown[3].starts_with("s999 "));
  CHECK(shown[4].starts_with("s998 "));
  CHECK(shown.back().starts_with("and 98"));
  CHECK(lines(text(now, &before)).size() == 3 + 1000);  // into a file: all, as configured
  CHECK(lines(text(now, &before))[3].starts_with("s0 "));
}

TEST_CASE("rows are sorted, chosen and cut as asked") {
  const auto both = many();
  const auto &before = both.first, &now = both.second;
  using Sort = GlanceView::Sort;
  const auto first = [&](const GlanceView& view) { return lines(text(now, &before, view))[3]; };
  CHECK(first({.sort = Sort::lag, .top = 3}).starts_with("s999 "));
  CHECK(first({.sort = Sort::dropped, .top = 3}).starts_with("s0 "));
  CHECK(first({.sort = Sort::out}).starts_with("s998 "));
  const auto chosen = lines(text(now, &before, {.sources = {"s7", "s99?"}}));
  CHECK(chosen.size() == 3 + 11);
  CHECK(lines(text(now, &before, {.top = 3})).size() == 3 + 3 + 1);
}

TEST_CASE("long names give way on a narrow terminal, numbers never") {
  auto g = glance();
  g.deliveries[0].source = std::string(60, 's');
  g.deliveries[0].handler = std::string(50, 'h');
  for (const auto width : {70u, 80u, 100u}) {
    const auto shown = lines(text(g, nullptr, {.width = width}));
    CHECK(shown[2].size() == width);
    CHECK(shown[3].ends_with("  297    -    -    -     0     3"));
    CHECK(shown[3].find("s~  ") != std::string::npos);
  }
}
