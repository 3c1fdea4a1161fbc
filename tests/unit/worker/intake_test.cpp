// SPDX-License-Identifier: Apache-2.0
#include "worker/intake.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

namespace {

// One intake: what begins with "a" goes to the first handler, with "b" to the second; all else has
// no route, and goes to the third if there is an unmatched handler. Verbs: fill, index, append,
// crash.
class IntakeFixture {
 public:
  explicit IntakeFixture(bool unmatched = false, std::uint64_t log_max = 1 * MiB,
                         std::vector<match::RouteOptions> more_routes = {},
                         std::uint64_t message_max = 1000)
      : unmatched_(unmatched),
        log_max_(log_max),
        more_routes_(std::move(more_routes)),
        message_max_(message_max) {
    begin(std::make_unique<state::Memory>(
        state::MemoryPlan{.memory_max = 4 * MiB, .logs = 1, .deliveries = 3}));
  }
  // As a feed does with bytes: false, there is no room.
  bool fill(std::string_view bytes) {
    const auto room = intake->room();
    if (room.size() < bytes.size()) return false;
    std::memcpy(room.data(), bytes.data(), bytes.size());
    intake->log().filled(bytes.size());
    return true;
  }
  worker::Intake::Indexed index(std::string_view bytes) {
    REQUIRE(fill(bytes));
    const auto indexed = intake->index(5);
    memory->commit();
    intake->check_invariants();
    for (const auto& d : deliveries) d->check_invariants();
    return indexed;
  }
  bool append(std::string_view frames, std::uint32_t count, std::uint64_t set) {
    return fill(frames) && intake->append(frames.size(), count, 5, {&set, 1});
  }
  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(memory->fd())));
    deliveries.clear();
    intake.reset();
    arena.reset();
    begin(std::move(next));
  }
  std::vector<std::size_t> news() {
    std::vector<std::size_t> bits;
    intake->collect_news(bits);
    return bits;
  }
  std::uint64_t matched(std::size_t i) const { return deliveries[i]->tally().matched; }
  const deliver::SourceCounters& counters() const { return intake->counters(); }

  SettableClock clock;
  Listening reporter;
  std::unique_ptr<state::Memory> memory;
  std::optional<log::Arena> arena;
  std::optional<worker::Intake> intake;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;

 private:
  void begin(std::unique_ptr<state::Memory> next) {
    memory = std::move(next);
    arena.emplace(*memory);
    const auto to = [](const char* prefix, std::size_t handler) {
      match::RouteOptions route;
      route.from = {0};
      route.rule = match::text_rule(match::Op::prefix, prefix);
      route.to = {handler};
      return route;
    };
    std::optional<std::size_t> rest;
    if (unmatched_) rest = 2;
    std::vector routes{to("a", 0), to("b", 1)};
    routes.insert(routes.end(), more_routes_.begin(), more_routes_.end());
    intake.emplace(worker::IntakeOptions{.source = "in",
                                         .log_size_max = log_max_,
                                         .message_size_max = message_max_,
                                         .warn_unmatched = true},
                   *arena, match::Matcher(0, routes, rest, {}, kMatchMax), clock, reporter);
    for (std::uint32_t i = 0; i < intake->matcher().handlers().size(); ++i)
      deliveries.push_back(intake->make_delivery(i, std::string(1, static_cast<char>('a' + i)), i));
    memory->commit();
  }

  static constexpr std::uint64_t kMatchMax = 900;
  bool unmatched_;
  std::uint64_t log_max_;
  std::vector<match::RouteOptions> more_routes_;
  std::uint64_t message_max_;
};

// So many routes to the second handler, each by a pattern that may be slow.
std::vector<match::RouteOptions> slow_routes(std::size_t many) {
  const std::string pattern = "x[xy]{900}z";
  match::Condition condition{.subject = match::Subject::text,
                             .op = match::Op::regex,
                             .operands = {match::Operand(match::Value::string(pattern))},
                             .regex = match::Regex::compile(pattern).regex};
  return std::vector<match::RouteOptions>(
      many, {.name = "slow", .from = {0}, .rule = {.conditions = {condition}}, .to = {1}});
}

}  // namespace

TEST_CASE("whole frames are matched, indexed and counted; what is incomplete is waited for") {
  IntakeFixture f;
  CHECK(f.index(framed("a1") + framed("b1") + framed("a2") + header(8) + "abc").all);
  CHECK(f.counters().accepted == 3);
  CHECK(f.counters().bytes == 3 * 6);
  CHECK(f.matched(0) == 2);
  CHECK(f.matched(1) == 1);
  CHECK(f.intake->need() == 12);
  CHECK(f.intake->log().incomplete_bytes() == 7);
  f.index("defgh");
  CHECK(f.counters().accepted == 4);
  CHECK(f.intake->need() == 0);
}

TEST_CASE("a delivery with news is announced once") {
  IntakeFixture f;
  f.index(framed("b1") + framed("b2"));
  CHECK(f.news() == std::vector<std::size_t>{1});
  CHECK(f.news().empty());
}

TEST_CASE(
    "what no route wants is unmatched, and is dropped with a report, or goes to the unmatched "
    "handler") {
  IntakeFixture dropped;
  dropped.index(framed("a") + framed("x") + framed("y"));
  CHECK(dropped.counters().matched == 1);
  CHECK(dropped.counters().unmatched == 2);
  REQUIRE(dropped.reporter.reported.size() == 1);
  CHECK(dropped.reporter.reported[0].message ==
        "in: 2 messages matched no route and were dropped (no_route)");
  IntakeFixture taken(true);
  taken.index(framed("a") + framed("x"));
  CHECK(taken.counters().unmatched == 1);
  CHECK(taken.counters().unmatched_taken == 1);
  CHECK(taken.matched(2) == 1);
  CHECK(taken.reporter.reported.empty());
}

TEST_CASE("what is above match_max is not looked into, and counted") {
  IntakeFixture f;
  const auto large = framed("b" + std::string(900, 'x'));
  f.index(framed("a") + large + large + framed("b") + large);
  CHECK(f.counters().above_match_max == 3);
  CHECK(f.counters().matched == 2);
  CHECK(f.counters().unmatched == 3);
}

TEST_CASE("a turn ends when patterns have spent its steps, and the next one goes on") {
  IntakeFixture f(false, 1 * MiB, slow_routes(20));
  const auto a_turn = f.intake->matcher().pattern_cost().bytes_max();
  const auto frame = framed("a" + std::string(a_turn / 3, '-'));
  std::string frames;
  for (int i = 0; i < 7; ++i) frames += frame;
  REQUIRE(f.fill(frames + header(1001)));
  std::vector<std::uint64_t> accepted;
  for (bool more = true; more;) {
    const auto indexed = f.intake->index(5, kPatternStepsMax);
    CHECK(indexed.all);
    CHECK(indexed.claim.has_value() == !indexed.more);
    accepted.push_back(f.counters().accepted);
    more = indexed.more;
  }
  CHECK(accepted == std::vector<std::uint64_t>{3, 6, 7});
  CHECK(f.counters().matched == 7);
  CHECK(f.counters().too_long_for_patterns == 0);
}

TEST_CASE("a turn has one message at least, and no bound where nobody asks for one") {
  IntakeFixture f(false, 1 * MiB, slow_routes(20));
  REQUIRE(f.fill(framed("a1") + framed("a2") + framed("a3")));
  CHECK(f.intake->index(5, 1).more);
  CHECK(f.counters().accepted == 1);
  CHECK_FALSE(f.intake->index(5).more);
  CHECK(f.counters().accepted == 3);
}

TEST_CASE("what is too long for patterns is counted, and reported with what to do") {
  IntakeFixture f(false, 1 * MiB, slow_routes(100));
  const auto most = f.intake->matcher().pattern_cost().bytes_max();
  REQUIRE(most < 900);
  f.index(framed(std::string(most, '-')) + framed(std::string(most + 1, '-')) +
          framed("a" + std::string(most, '-')));
  CHECK(f.counters().too_long_for_patterns == 2);
  CHECK(f.counters().matched == 1);
  REQUIRE(f.reporter.reported.size() == 2);
  CHECK(f.reporter.reported[0].message ==
        "in: 2 messages longer than " + std::to_string(most) +
            " bytes were not tried on patterns that may be slow, so conditions by them do not "
            "match");
}

TEST_CASE("a claim over the limit is returned, and what stands before it is indexed") {
  IntakeFixture f;
  const auto indexed = f.index(framed("a") + header(1001) + "abc");
  CHECK(indexed.claim == 1001u);
  CHECK(f.counters().accepted == 1);
  f.intake->drop_incomplete();
  CHECK(f.intake->log().incomplete_bytes() == 0);
  CHECK(f.intake->need() == 0);
  f.index(framed("b"));
  CHECK(f.counters().accepted == 2);
}

TEST_CASE("whole frames go to those that they are for, whatever the routes say") {
  IntakeFixture f;
  CHECK(f.append(framed("a") + framed("x"), 2, 0b10));
  f.memory->commit();
  CHECK(f.matched(0) == 0);
  CHECK(f.matched(1) == 2);
  CHECK(f.counters().matched == 2);
  CHECK(f.news() == std::vector<std::size_t>{1});
  f.deliveries[1]->check_invariants();
}

TEST_CASE("what should have been fed and is dropped is in the account all the same") {
  IntakeFixture f;
  const std::uint64_t set = 0b11;
  f.intake->drop(6, 1, {&set, 1}, deliver::Reason::too_large);
  f.memory->commit();
  CHECK(f.counters().accepted == 1);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(f.matched(i) == 1);
    CHECK(f.deliveries[i]->tally().dropped[static_cast<std::size_t>(deliver::Reason::too_large)] ==
          1);
    f.deliveries[i]->check_invariants();
  }
}

TEST_CASE("what was appended and not committed is in no log and in no counter after a death") {
  IntakeFixture f;
  f.index(framed("a"));
  REQUIRE(f.append(framed("b") + framed("b"), 2, 0b10));
  CHECK(f.counters().accepted == 3);
  f.crash();
  CHECK(f.counters().accepted == 1);
  CHECK(f.matched(1) == 0);
  CHECK(f.intake->log().end().position.bytes == 5);
  CHECK(f.intake->log().incomplete_bytes() == 0);
}

TEST_CASE("a full log has no room until all deliveries have passed some of it") {
  const std::size_t first = GENERATE(0, 1);  // whichever is the slowest
  IntakeFixture f(false, 64 * KiB);
  const auto frame = framed("a" + std::string(990, '.'));
  std::uint64_t fed = 0;
  while (f.append(frame, 1, 0b11)) ++fed;
  f.memory->commit();
  REQUIRE(fed > 10);
  CHECK_FALSE(f.intake->trim());
  for (const auto i : {first, 1 - first}) {
    CHECK_FALSE(f.append(frame, 1, 0b11));
    auto& d = *f.deliveries[i];
    const deliver::Range all{d.next(), f.intake->log().end(), fed};
    d.give_out(all);
    d.finish(all);
    d.edit_tally().delivered += fed;
    f.memory->commit();
    CHECK(f.intake->trim() == (i != first));
  }
  CHECK(f.append(frame, 1, 0b11));
}

TEST_CASE("of a queue that drops the newest what finds no room is dropped when it is matched") {
  IntakeFixture f;
  f.intake->limit(0, {.type = deliver::QueueOptions::Type::memory,
                      .messages_max = 3,
                      .when_full = deliver::QueueOptions::WhenFull::drop_newest});
  f.index(framed("a1") + framed("a2") + framed("b1") + framed("a3") + framed("a4") + framed("a5"));
  CHECK(f.counters().accepted == 6);
  CHECK(f.counters().matched == 6);
  CHECK(f.matched(0) == 5);
  const auto& tally = f.deliveries[0]->tally();
  CHECK(tally.dropped[static_cast<std::size_t>(deliver::Reason::queue_full)] == 2);
  CHECK(f.deliveries[0]->in_flight() == 3);
  CHECK(f.deliveries[1]->in_flight() == 1);
  // It has room again when some were handled.
  auto& d = *f.deliveries[0];
  const deliver::Range two{d.next(), {d.next().position + 12, d.next().sequence + 2}, 2};
  d.give_out(two);
  d.finish(two);
  d.edit_tally().delivered += 2;
  f.memory->commit();
  f.intake->trim();
  f.index(framed("a6") + framed("a7") + framed("a8") + framed("b2"));
  CHECK(d.in_flight() == 3);
  CHECK(tally.dropped[static_cast<std::size_t>(deliver::Reason::queue_full)] == 3);
  CHECK(f.matched(1) == 2);
}

TEST_CASE("a queue that blocks asks for nothing more when it is full") {
  IntakeFixture f;
  f.intake->limit(1, {.type = deliver::QueueOptions::Type::memory, .messages_max = 2});
  f.index(framed("a1") + framed("b1") + framed("a2"));
  CHECK_FALSE(f.intake->limits().is_blocked());
  f.index(framed("b2") + framed("b3"));
  CHECK(f.intake->limits().is_blocked());
  CHECK(f.deliveries[1]->in_flight() == 3);
  f.deliveries[1]->drop_before(f.intake->log().end(), deliver::Reason::queue_full);
  f.memory->commit();
  CHECK_FALSE(f.intake->limits().is_blocked());
}

TEST_CASE("of large frames, no more is asked for than whole ones of the last one's size") {
  IntakeFixture f(false, 1 * MiB, {}, 100 * KiB);
  const auto frame = framed("a" + std::string(40 * KiB, 'x'));
  f.index(frame);
  CHECK(f.intake->room_for_stream().size() >= frame.size());
  CHECK(f.intake->room_for_stream().size() % frame.size() == 0);
  f.index(frame.substr(0, 10'000));
  CHECK((f.intake->room_for_stream().size() + 10'000) % frame.size() == 0);
  f.index(frame.substr(10'000));
  while (f.intake->room_for_stream().size() >= frame.size()) f.index(frame);
  CHECK(f.intake->room_for_stream().size() == f.intake->room().size());  // a smaller one may fit
}

TEST_CASE("of small frames, all that there is room for is asked for") {
  IntakeFixture f;
  f.index(framed("a small one"));
  CHECK(f.intake->room_for_stream().size() == f.intake->room().size());
}
