// SPDX-License-Identifier: Apache-2.0
#include "deliver/call_recovery.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>

#include "base/limits.h"
#include "deliver/handler_loop.h"
#include "needs.h"
#include "scripted.h"
#include "senders.h"
#include "temporary_folder.h"

using namespace standpipe;
using deliver::Death;

namespace {

const Death kNone;  // it is only saved
const Death kOutside = Death::of(SIGKILL, Death::kNobody, 1);
const Death kOutsideOfTwo = Death::of(SIGKILL, Death::kNobody, 2);
const Death kCrash =
    Death::of(SIGSEGV, Death::kFirstHandler, 1);  // its plugin did it, and it is certain
const Death kNeighbour = Death::of(SIGSEGV, Death::kFirstHandler + 1, 2);
const Death kOneOfTwo = Death::of(SIGSEGV, Death::kNobody, 2);

// One source's log, one delivery, one handler with a scripted plugin on the loop, two outputs of
// it. A plugin that dies takes its worker with it: run comes back, and crash makes the next one.
class Fixture final : public test::Needs {
 public:
  Fixture() : keeping(std::make_unique<state::Memory>(state::MemoryPlan{.memory_max = 4 * MiB})) {
    for (std::uint32_t o = 0; o < 2; ++o) make_output(o, deliver::Output::Made::now);
    begin();
    create();
  }

  void append(unsigned messages) {
    const std::uint64_t set = 1;
    for (unsigned i = 0; i < messages; ++i) {
      const char frame[] = {1, 0, 0, 0, static_cast<char>('a' + appended_++ % 26)};
      const auto room = log->room(0);
      std::memcpy(room.data(), frame, sizeof frame);
      log->filled(sizeof frame);
      REQUIRE(log->add_run(sizeof frame, 1, 1, 1, {&set, 1}));
      ++delivery->edit_tally().matched;
      keeping->commit();
    }
  }
  // Steps until nothing is left to do. false: it died.
  bool run() try {
    for (int i = 0; i < 1000; ++i) {
      while (loop->advance(time.now)) delivery->check_invariants();
      delivery->check_invariants();
      if (!loop->wake_at()) break;
      time.now = std::max(time.now, *loop->wake_at());
    }
    return true;
  } catch (const test::Died&) {
    return false;
  }
  void crash(const Death& death) {
    auto next = std::make_unique<state::Memory>(Fd(::dup(keeping->fd())));
    is_gone = true;
    loop.reset();
    is_gone = false;
    for (auto& o : outputs) o.reset();
    log.reset();
    arena.reset();
    keeping = std::move(next);
    begin();
    for (std::uint32_t o = 0; o < 2; ++o) make_output(o, deliver::Output::Made::before);
    arena->forget_unclaimed();
    loop->recover(death, time.now);
    delivery->check_invariants();
    CHECK_FALSE(keeping->pending());
    create();
  }
  // Deaths and successors until there are no more. Returns how many died.
  int live(const Death& death) {
    int deaths = 0;
    for (; !run(); ++deaths) crash(death);
    return deaths;
  }
  const deliver::Tally& tally() const { return delivery->tally(); }
  // Of handle alone: each worker opens first.
  std::string opened_and(const std::string& all) const {
    std::string handled;
    for (const char c : all)
      if (c != 'o') handled += c;
    return handled;
  }
  std::string read(std::uint32_t o) {
    const Fd reader(::open(outputs[o]->path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    (void)outputs[o]->pump(time.now += std::chrono::seconds(2));
    char bytes[1000];
    const auto n = ::read(reader.get(), bytes, sizeof bytes);
    std::string letters;
    for (ssize_t i = 4; i < n; i += 5) letters += bytes[i];
    return letters;
  }

  deliver::Output* open(const plugin::FifoOutputRequest& request, std::string&) override {
    for (auto& o : outputs)
      if (o->path() == request.path) return o.get();
    return nullptr;
  }
  deliver::Output& output(std::uint32_t index) override { return *outputs[index]; }
  bool admit(deliver::HandlerLoop& handler, bool alone) override {
    admitted += alone ? 'a' : handler.ready() ? '-' : 'o';
    if (admitted == dies_when_admitted) throw test::Died{};
    return true;
  }
  void has_entries(deliver::Output&) override {
    if (dies_when_settled) throw test::Died{};
  }
  // A clock that is looked at when a call has come back, and may die then.
  class MortalClock final : public Clock {
   public:
    explicit MortalClock(Fixture& fixture) : f(fixture) {}
    Nanoseconds steady() const override {
      if (f.dies_when_returned && !f.scripted.seen.empty()) throw test::Died{};
      return now;
    }
    Nanoseconds wall() const override { return now; }
    Fixture& f;
    Nanoseconds now{std::chrono::seconds(1)};
  };

  test::TemporaryFolder folder;
  test::Scripted scripted;
  MortalClock time{*this};
  std::string admitted;            // for each call: a alone
  std::string dies_when_admitted;  // so many calls, and of which kind
  bool begins_dying = true;        // it died when its plugin was made
  bool is_gone = false;            // what is torn down now has died
  bool dies_when_returned = false, dies_when_settled = false;
  std::unique_ptr<state::Memory> keeping;
  keeper::Link link = keeper::Link::none();
  std::optional<log::Arena> arena;
  std::optional<log::Log> log;
  test::Senders senders{[this](auto) -> deliver::Delivery& { return *delivery; }};
  std::unique_ptr<deliver::Output> outputs[2];
  std::unique_ptr<deliver::HandlerLoop> loop;
  deliver::Delivery* delivery = nullptr;

 private:
  void begin() {
    arena.emplace(*keeping);
    log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 1 * MiB, .readers = 1});
    deliver::HandlerOptions options;
    options.name = "it";
    options.plugin = &scripted.plugin;
    loop = std::make_unique<deliver::HandlerLoop>(options, 0, needs(time, *keeping));
    delivery = &loop->add(std::make_unique<deliver::Delivery>("in", "it", 0, *log, 0));
  }
  void create() try {
    loop->create();
    begins_dying = false;
  } catch (const test::Died&) {
  }
  void make_output(std::uint32_t o, deliver::Output::Made made) {
    const plugin::FifoOutputRequest request{.path = folder / ("out" + std::to_string(o))};
    outputs[o] = std::make_unique<deliver::Output>(request, senders.needs(quiet, 4 * KiB), made);
    outputs[o]->attach(*keeping, link, o);
  }

  unsigned appended_ = 0;
};

using Seen = std::vector<std::string>;

}  // namespace

TEST_CASE("a call that had come back is settled by the next worker, and nothing is redelivered") {
  Fixture f;
  f.append(4);
  f.scripted.script = {"DFDD"};
  f.dies_when_returned = true;
  REQUIRE_FALSE(f.run());
  f.dies_when_returned = false;
  f.crash(kCrash);
  CHECK(f.run());
  CHECK(f.scripted.seen == Seen{"1,2,3,4 a1"});
  CHECK(f.tally().delivered == 3);
  CHECK(f.tally().filtered == 1);
}

TEST_CASE("what a call that had come back did not process is redelivered, and is not suspected") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"D"};
  f.dies_when_returned = true;
  REQUIRE_FALSE(f.run());
  f.dies_when_returned = false;
  f.crash(kCrash);
  CHECK(f.run());
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "2,3 a1"});
  CHECK(f.opened_and(f.admitted) == "--");
}

TEST_CASE("a death while an answer is settled settles it once") {
  Fixture f;
  f.scripted.on_open = [&](const auto& host) { test::add_fifo(host, f.outputs[0]->path()); };
  f.append(3);
  f.scripted.script = {"DSS"};
  f.dies_when_settled = true;
  REQUIRE_FALSE(f.run());
  f.dies_when_settled = false;
  f.crash(kOutside);
  CHECK(f.run());
  CHECK(f.scripted.seen == Seen{"1,2,3 a1"});
  CHECK(f.tally().delivered == 1);
  CHECK(f.read(0) == "bc");
}

TEST_CASE("what a plugin had settled before it died stands, and what it died at is suspect alone") {
  Fixture f;
  f.append(4);
  f.scripted.reports_progress = true;
  f.scripted.script = {"DF!"};
  CHECK(f.live(kCrash) == 1);
  CHECK(f.scripted.seen == Seen{"1,2,3,4 a1", "3 a1", "4 a1"});
  CHECK(f.opened_and(f.admitted) == "---");  // it named itself
  CHECK(f.tally().delivered == 3);
  CHECK(f.tally().filtered == 1);
}

TEST_CASE("a plugin that had reported its last message has settled all") {
  Fixture f;
  f.append(2);
  f.scripted.reports_progress = true;
  f.scripted.script = {"DF!"};
  CHECK(f.live(kCrash) == 1);
  CHECK(f.scripted.seen.size() == 1);
  CHECK(f.tally().delivered == 1);
}

TEST_CASE(
    "what was not reported is halved down to one, which is dead-lettered at its third death; the "
    "flow continues") {
  Fixture f;
  f.append(8);
  f.scripted.poison = {6};
  CHECK(f.live(kCrash) == 6);
  CHECK(f.scripted.seen == Seen{"1,2,3,4,5,6,7,8 a1", "1,2,3,4 a1", "5,6,7,8 a1", "5,6 a1", "5 a1",
                                "6 a1", "6 a1", "6 a1", "7,8 a1"});
  CHECK(f.opened_and(f.admitted) == "---------");
  CHECK(f.dead_lettered == Seen{"6 crashed (SIGSEGV)"});
  CHECK(f.tally().delivered == 7);
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("killed from outside, all is redelivered as it was, and nothing is suspected") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"!", "!", "DDD"};
  CHECK(f.live(kOutside) == 2);
  CHECK(f.scripted.seen == Seen(3, "1,2,3 a1"));
  CHECK(f.opened_and(f.admitted) == "---");
  CHECK(f.tally().delivered == 3);
}

TEST_CASE(
    "killed three times in a row in the same call, it is made alone, and forgiven when it passes") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"!", "!", "!", "DDD"};
  CHECK(f.live(kOutsideOfTwo) == 3);
  CHECK(f.scripted.seen == Seen(4, "1,2,3 a1"));
  CHECK(f.opened_and(f.admitted) == "---a");
  CHECK(f.dead_lettered.empty());
  f.append(1);
  f.scripted.script = {"!", "!", "D"};
  CHECK(f.live(kOutsideOfTwo) == 2);
  CHECK(f.opened_and(f.admitted) == "---a---");
}

TEST_CASE("deaths that say nothing, with progress between them, are no streak") {
  Fixture f;
  f.append(9);
  f.scripted.reports_progress = true;
  f.scripted.script = {"D!", "D!", "D!", "D!", "D!"};
  f.live(kOutside);
  CHECK(f.opened_and(f.admitted).find('a') == std::string::npos);
  CHECK(f.tally().delivered == 9);
}

TEST_CASE(
    "a message that its worker is killed at, again and again, is dead-lettered, and the others "
    "pass") {
  Fixture f;
  f.append(4);
  f.scripted.poison = {3};
  CHECK(f.live(kOutside) == 3 + 2 + 3);  // to be a suspect, to be found among four, to be certain
  CHECK(f.dead_lettered == Seen{"3 was killed (SIGKILL)"});
  CHECK(f.tally().delivered == 3);
  CHECK(f.tally().dead_lettered == 1);
}

TEST_CASE("a suspect's deaths that say nothing count only one after the other") {
  Fixture f;
  f.append(1);
  f.scripted.poison = {1};
  for (int i = 0; i < 5; ++i) {
    REQUIRE_FALSE(f.run());
    f.crash(kOutside);
  }
  f.crash(kOutside);  // a worker that did not come so far
  REQUIRE(f.dead_lettered.empty());
  CHECK(f.live(kOutside) == 3);
  CHECK(f.dead_lettered.size() == 1);
}

TEST_CASE("a neighbour's crash suspects nobody else") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"!"};
  CHECK(f.live(kNeighbour) == 1);
  CHECK(f.opened_and(f.admitted) == "--");
}

TEST_CASE("a death from outside does not clear a suspect, nor count") {
  Fixture f;
  f.append(1);
  f.scripted.poison = {1};
  REQUIRE_FALSE(f.run());
  f.crash(kCrash);
  for (int i = 0; i < 2; ++i) {
    REQUIRE_FALSE(f.run());
    f.crash(kOutside);
  }
  CHECK(f.live(kCrash) == 2);
  CHECK(f.opened_and(f.admitted) == "-----");
  CHECK(f.dead_lettered.size() == 1);
}

TEST_CASE("a death of which nobody knows whose it was is suspected, and does not count") {
  Fixture f;
  f.append(1);
  f.scripted.poison = {1};
  REQUIRE_FALSE(f.run());
  f.crash(kOneOfTwo);
  CHECK(f.live(kCrash) == 3);
  CHECK(f.opened_and(f.admitted) == "-a--");  // then it named itself
}

TEST_CASE(
    "the fifth message in a row that kills is not dead-lettered: the handler is held, over "
    "restarts, and its messages wait") {
  Fixture f;
  f.append(7);
  f.scripted.reports_progress = true;
  for (std::uint64_t s = 1; s <= 7; ++s) f.scripted.poison.insert(s);
  CHECK(f.live(kCrash) == 15);
  CHECK(f.dead_lettered.size() == 4);
  CHECK(f.loop->held());
  CHECK(f.loop->tried());
  f.crash(kOutside);
  CHECK(f.loop->held());
  CHECK(f.run());
  CHECK(f.tally().dead_lettered == 4);
  CHECK(f.delivery->in_flight() == 3);
}

TEST_CASE("a success between them makes it messages again") {
  Fixture f;
  f.append(12);
  f.scripted.reports_progress = true;
  f.scripted.poison = {1, 2, 3, 5, 6, 7, 9, 10, 11};
  CHECK(f.live(kCrash) == 27);
  CHECK(f.dead_lettered.size() == 9);
  CHECK_FALSE(f.loop->held());
  CHECK(f.tally().delivered == 3);
}

TEST_CASE("a success in a call of its own does, too") {
  Fixture f;
  for (std::uint64_t s = 1; s <= 12; s += 2) {
    f.scripted.poison = {s};
    f.append(1);
    f.live(kCrash);
    f.append(1);
    CHECK(f.run());
  }
  CHECK(f.dead_lettered.size() == 6);
  CHECK_FALSE(f.loop->held());
}

TEST_CASE("a message that cannot be dead-lettered holds its handler, and is not lost") {
  Fixture f;
  f.append(2);
  f.disk_is_full = true;
  f.scripted.poison = {1};
  CHECK(f.live(kCrash) == 4);
  CHECK(f.loop->held());
  CHECK(f.quiet.reported.back() ==
        "it is held: a message that its plugin dies of cannot be dead-lettered: no space");
  CHECK(f.delivery->in_flight() == 2);
}

TEST_CASE("what was sent before the death goes to the outputs that the call had") {
  Fixture f;
  f.scripted.reports_progress = true;
  f.scripted.on_open = [&](const auto& host) {
    for (const int o : {1, 0}) test::add_fifo(host, f.outputs[o]->path());
  };
  f.append(4);
  f.scripted.script = {"SDS!"};
  REQUIRE_FALSE(f.run());
  f.crash(kCrash);
  CHECK(f.run());
  CHECK(f.read(1) == "ac");
  CHECK(f.read(0) == "");
  CHECK(f.tally().delivered + 2 == 4);
}

TEST_CASE(
    "a plugin that ends the worker outside of messages is held at the third time, and others' "
    "deaths do not count") {
  Fixture f;
  f.append(1);
  f.scripted.on_open = [](const auto&) { throw test::Died{}; };
  REQUIRE_FALSE(f.run());
  f.crash(kNeighbour);
  CHECK(f.live(kCrash) == 3);
  CHECK(f.loop->held());
  CHECK(f.quiet.reported.back() ==
        "it is held: its plugin has ended the worker 3 times in open (crashed (SIGSEGV))");
  CHECK(f.loop->tried());
  f.crash(kOutside);
  CHECK(f.loop->held());
  CHECK(f.loop->state(f.time.now).reason ==
        "its plugin has ended the worker 3 times in open (crashed (SIGSEGV))");
}

TEST_CASE("deaths in close count, though open comes back each time between them") {
  Fixture f;
  f.append(1);
  f.scripted.on_close = [&] {
    if (!f.is_gone) throw test::Died{};
  };
  f.scripted.script = {"X", "X", "X", "X"};
  CHECK(f.live(kCrash) == 3);
  CHECK(f.loop->held());
  CHECK(f.quiet.reported.back() ==
        "it is held: its plugin has ended the worker 3 times in close (crashed (SIGSEGV))");
}

TEST_CASE("a plugin that dies when it is made is held, and not made again") {
  Fixture f;
  f.scripted.on_create = [] { throw test::Died{}; };
  int deaths = 0;
  for (f.begins_dying = true; f.begins_dying; ++deaths) f.crash(kCrash);
  CHECK(deaths == 4);  // the last one was not asked to make it
  CHECK(f.loop->held());
  CHECK(f.quiet.reported.back() ==
        "it is held: its plugin has ended the worker 3 times in create (crashed (SIGSEGV))");
}

TEST_CASE(
    "killed in open again and again, it is opened alone, and then held; a kill now and then holds "
    "nobody") {
  Fixture f;
  f.append(1);
  int opened = 0;
  f.scripted.on_open = [&](const auto&) {
    if (++opened % 3 != 0) throw test::Died{};
  };
  f.live(kOutside);
  for (int i = 0; i < 4; ++i) {
    f.crash(kOutside);
    f.live(kOutside);
  }
  CHECK_FALSE(f.loop->held());
  CHECK(f.admitted.find('a') == std::string::npos);
  f.scripted.on_open = [](const auto&) { throw test::Died{}; };
  f.crash(kOutside);
  CHECK(f.live(kOutside) == 6);
  CHECK(f.admitted.ends_with("oooaaa"));
  CHECK(f.loop->held());
}

TEST_CASE("what is only saved blames nobody") {
  Fixture f;
  f.append(1);
  f.scripted.poison = {1};
  for (int i = 0; i < 5; ++i) {
    REQUIRE_FALSE(f.run());
    f.crash(kNone);
  }
  CHECK(f.opened_and(f.admitted) == "-----");
  CHECK(f.dead_lettered.empty());
}

TEST_CASE("what was settled before a death is progress") {
  Fixture f;
  f.append(2);
  f.scripted.reports_progress = true;
  f.scripted.script = {"D!"};
  REQUIRE_FALSE(f.run());
  const auto before = f.keeping->shared().progress;
  f.crash(kOutside);
  CHECK(f.keeping->shared().progress > before);
}

// ---- messages that the plugin had taken

TEST_CASE("what was taken when a worker died is redelivered, and counts no attempt") {
  Fixture f;
  f.append(6);
  f.scripted.script = {"TDTTDT"};
  REQUIRE(f.run());
  f.scripted.settle(0, 2, 1, STANDPIPE_DELIVERED);
  REQUIRE(f.run());
  f.scripted.settle(0, 3, 1, STANDPIPE_DELIVERED);  // the worker dies before it hears of it
  f.crash(kOutside);
  CHECK(f.delivery->in_flight() == 3);
  REQUIRE(f.run());
  CHECK(f.scripted.seen == Seen{"1,2,3,4,5,6 a1", "1 a1", "4 a1", "6 a1"});
  CHECK(f.tally().delivered == 6);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("a worker that dies when the rest of a batch went back to its log finds what was taken") {
  Fixture f;
  f.append(5);
  f.scripted.script = {"TT"};
  f.dies_when_admitted = "o--";
  CHECK_FALSE(f.run());
  f.crash(kOutside);
  CHECK(f.delivery->in_flight() == 5);
  REQUIRE(f.run());
  CHECK(f.scripted.seen.front() == "1,2,3,4,5 a1");
  CHECK(f.tally().delivered == 5);
}

TEST_CASE("tickets are never the same, whatever workers die") {
  Fixture f;
  f.append(1);
  f.scripted.script = {"T", "T", "T"};
  REQUIRE(f.run());
  f.crash(kOutside);
  REQUIRE(f.run());
  f.crash(kOutside);
  REQUIRE(f.run());
  CHECK(f.scripted.tickets == std::vector<std::uint64_t>{1, 2, 3});
  f.scripted.settle(0, 0, 1, STANDPIPE_REJECT);  // of an instance that is no more
  f.scripted.settle(2, 0, 1, STANDPIPE_DELIVERED);
  REQUIRE(f.run());
  CHECK(f.tally().delivered == 1);
  CHECK(f.dead_lettered.empty());
}

TEST_CASE("what a call had taken before its plugin died is redelivered with the rest") {
  Fixture f;
  f.append(4);
  f.scripted.reports_progress = true;
  f.scripted.script = {"TDT!"};
  CHECK_FALSE(f.run());
  f.crash(kCrash);
  CHECK(f.tally().delivered == 1);
  CHECK(f.delivery->in_flight() == 3);
  REQUIRE(f.run());
  CHECK(f.tally().delivered == 4);
}

TEST_CASE("a worker that dies when its plugin has answered loses nothing that was taken") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"TST"};
  f.scripted.on_open = [&](const auto& host) { test::add_fifo(host, f.outputs[0]->path()); };
  f.dies_when_settled = true;
  CHECK_FALSE(f.run());
  f.dies_when_settled = false;
  f.crash(kOutside);
  CHECK(f.delivery->in_flight() == 3);  // the one is sent, and nobody has read it
  REQUIRE(f.run());
  CHECK(f.tally().delivered == 2);
}

TEST_CASE("deaths of workers, at whatever a plugin that takes messages is at, lose none of them") {
  Fixture f;
  f.append(40);
  std::uint32_t random = 1;
  for (int round = 0; round < 40; ++round) {
    const auto calls = f.scripted.seen.size();
    f.scripted.script.assign(1, std::string(7, 'T') + "D" + std::string(9, 'T'));
    REQUIRE(f.run());
    for (std::size_t call = calls; call < f.scripted.seen.size(); ++call)
      for (std::uint32_t i = 0; i < 20; i += 1 + (random = random * 1103515245 + 12345) / 65536 % 4)
        f.scripted.settle(call, i, 1, random & 4096 ? STANDPIPE_DELIVERED : STANDPIPE_FILTERED);
    if (round % 2) REQUIRE(f.run());
    f.crash(kOutside);
    CHECK(f.tally().matched == f.tally().settled() + f.delivery->in_flight());
  }
  f.scripted.script.clear();
  REQUIRE(f.run());
  CHECK(f.tally().settled() == 40);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("a tick that ends three workers holds its handler, and says where it was") {
  Fixture f;
  f.scripted.ticks([](auto, auto&) -> std::uint32_t { throw test::Died{}; });
  f.append(1);
  CHECK(f.live(kCrash) == 3);
  CHECK(f.loop->held());
  CHECK(f.loop->held_for().find("3 times in tick") != std::string::npos);
  CHECK(f.delivery->in_flight() == 1);
}

TEST_CASE("a tick that ends a worker now and then holds its handler, if that is often") {
  Fixture f;
  int ticks = 0, deaths = 0;
  const auto dies_each = [&](int each, int most) {
    f.scripted.ticks([&ticks, &deaths, each, most](auto now, auto& next) -> std::uint32_t {
      if (++ticks % each == 0 && deaths++ < most) throw test::Died{};
      next = now + 2'000'000;
      return STANDPIPE_OK;
    });
  };
  SECTION("each third one") {
    dies_each(3, 10);
    CHECK(f.live(kCrash) == 3);
    CHECK(f.loop->held());
  }
  SECTION("each 150th one") {
    dies_each(150, 4);
    CHECK(f.live(kCrash) == 4);
    CHECK_FALSE(f.loop->held());
  }
}
