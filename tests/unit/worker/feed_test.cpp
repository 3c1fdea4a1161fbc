// SPDX-License-Identifier: Apache-2.0
#include "worker/feed.h"

#include <fcntl.h>
#include <standpipe/wire.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "deliver/spill.h"
#include "state/persistent.h"
#include "temporary_folder.h"
#include "worker/commit_killer.h"
#include "worker/fifo_sources.h"
#include "worker/relay_feed.h"
#include "worker/spill_feed.h"

// What every feed must do, tried with each of them through the interface alone: FIFOs, with and
// without the relay's decoration, spills, and a toy of what a plugin will be that has its messages
// elsewhere, wants to know how far it is, and gives no more than so many that were not
// acknowledged.
using namespace standpipe;
using test::CommitKiller;
using test::framed, test::SettableClock, test::Payloads, test::Listening;
using worker::Turn;

namespace {

// What the feeds are made of. It outlives workers, as the keeper's descriptors and the disk do.
struct World {
  explicit World(Payloads payloads) : messages(std::move(payloads)) {}

  test::TemporaryFolder folder;
  SettableClock clock;
  Listening reporter;
  Pipe stage = Pipe::make(kStageBytes);
  Fd dev_null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Payloads messages;
};

// A kind of feed: what it is made of, and how its messages come. `make` again is the next worker's.
class FifoKind {
 public:
  explicit FifoKind(World& world) : world_(world) {
    for (const auto& m : world.messages) bytes_ += framed(m);
  }
  void make(state::Memory& memory) {
    std::optional<Fd> kept;
    if (feed_) kept.emplace(::dup(feed_->stream().fifo().fd()));
    relayed_.reset();
    feed_.reset();
    feed_.emplace(source::SourceOptions{.name = "in", .path = world_.folder / "in"}, 0,
                  source::Stage{world_.stage, world_.dev_null.get()}, memory, world_.clock,
                  world_.reporter, std::move(kept));
    relayed_.emplace(*feed_);
    if (!writer_)
      writer_.reset(::open((world_.folder / "in").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  }
  // As much as the FIFO takes.
  void come() {
    const auto n = ::write(writer_.get(), bytes_.data(), bytes_.size());
    if (n > 0) bytes_.erase(0, static_cast<std::size_t>(n));
  }
  worker::Feed& feed() { return *feed_; }
  bool all_acknowledged() const { return bytes_.empty(); }  // nobody is told

 protected:
  worker::Feed& relayed() { return *relayed_; }

 private:
  World& world_;
  std::string bytes_;
  Fd writer_;
  std::optional<worker::FifoFeed> feed_;
  std::optional<worker::RelayFeed> relayed_;
};

class RelayedKind : public FifoKind {
 public:
  using FifoKind::FifoKind;
  worker::Feed& feed() { return relayed(); }
};

class SpillKind {
 public:
  explicit SpillKind(World& world) : world_(world) {
    const auto half = world.messages.size() / 2;
    spill({world.messages.begin(), world.messages.begin() + static_cast<std::ptrdiff_t>(half)});
    spill({world.messages.begin() + static_cast<std::ptrdiff_t>(half), world.messages.end()});
  }
  void make(state::Memory& memory) {
    feed_.reset();
    worker::HandlerBits bits(
        "in", {"a", "b"}, [](const auto&) { return std::nullopt; }, world_.reporter);
    feed_.emplace(memory, world_.folder.path(), "in", std::move(bits), memory.recovered(),
                  world_.reporter);
  }
  void come() {}
  worker::Feed& feed() { return *feed_; }
  bool all_acknowledged() const {
    return deliver::SpillReader::find(world_.folder.path(), "in").empty();
  }

 private:
  void spill(const Payloads& messages) {
    const std::vector<std::string_view> handlers = {"a", "b"};
    deliver::SpillWriter writer(world_.folder.path(), "in");
    std::uint64_t sequence = 0;
    for (const auto& m : messages) {
      const auto frame = framed(m);
      const auto bytes = std::as_bytes(std::span(frame));
      ++sequence;
      REQUIRE_FALSE(writer.add(sequence, 5 + sequence / 7, handlers, {&bytes, 1}));
    }
    REQUIRE_FALSE(writer.finish());
  }

  World& world_;
  std::optional<worker::SpillFeed> feed_;
};

// Messages that somebody else keeps until they are acknowledged, at most so many at once.
class CreditFeed final : public worker::Feed {
 public:
  static constexpr std::size_t kCredit = 50;

  CreditFeed(state::Memory& memory, const Payloads& messages)
      : memory_(memory), messages_(messages), state_(memory, "credit") {}
  void recover(worker::Intake& intake) override {
    if (intake.log().incomplete_bytes() > 0) intake.drop_incomplete();
    if (state_->fed > 0)
      open_.push_back(
          {intake.log().end().position.bytes, state_->fed});  // who is not known better waits
  }
  Turn feed(worker::Intake& intake) override {
    const std::uint64_t set = 0b11;
    for (int n = 0; n < 10; ++n) {
      if (state_->fed == messages_.size()) return Turn::ended;
      if (state_->fed - acknowledged() >= kCredit) return Turn::idle;
      const auto frame = framed(messages_[state_->fed]);
      const auto room = intake.log().room(frame.size());
      if (room.size() < frame.size()) return Turn::full;
      std::memcpy(room.data(), frame.data(), frame.size());
      intake.log().filled(frame.size());
      if (!intake.append(frame.size(), 1, 5, {&set, 1})) return Turn::full;
      ++state_.edit().fed;
      memory_.commit();
      open_.push_back({intake.log().end().position.bytes, state_->fed});
    }
    return Turn::more;
  }
  void passed(log::Position trimmed) override {
    while (!open_.empty() && open_.front().end <= trimmed.bytes) {
      state_.edit().acknowledged = open_.front().fed;
      open_.pop_front();
    }
    memory_.commit();
  }
  std::uint64_t acknowledged() const { return state_->acknowledged; }

 private:
  struct State {
    std::uint64_t fed, acknowledged;
  };
  struct Open {
    std::uint64_t end, fed;
  };
  state::Memory& memory_;
  const Payloads& messages_;
  state::Persistent<State> state_;
  std::deque<Open> open_;
};

class CreditKind {
 public:
  explicit CreditKind(World& world) : messages_(world.messages) {}
  void make(state::Memory& memory) {
    feed_.reset();
    feed_.emplace(memory, messages_);
  }
  void come() {}
  worker::Feed& feed() { return *feed_; }
  bool all_acknowledged() const { return feed_->acknowledged() == messages_.size(); }

 private:
  const Payloads& messages_;
  std::optional<CreditFeed> feed_;
};

Payloads numbered(int count) {
  Payloads messages;
  for (int i = 0; i < count; ++i)
    messages.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i * 7 % 900), '.'));
  return messages;
}

// A log that holds a tenth of all messages, two handlers that want each of them, and the feed.
// Verbs: turn, feed (until it stops), crash, die (anywhere in feed), take.
template <class Kind>
class Bench {
 public:
  explicit Bench(int messages = 600) : world(numbered(messages)), kind(world) {
    begin(std::make_unique<state::Memory>(
        state::MemoryPlan{.memory_max = 4 * MiB, .logs = 1, .deliveries = 2}));
  }
  Turn turn() {
    kind.come();
    const auto turn = kind.feed().feed(*intake);
    CHECK_FALSE(memory->pending());
    check();
    return turn;
  }
  Turn feed() {
    auto last = turn();
    while (last == Turn::more) last = turn();
    return last;
  }
  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(memory->fd())));
    deliveries.clear();
    intake.reset();
    arena.reset();
    begin(std::move(next));
    kind.feed().recover(*intake);
    arena->forget_unclaimed();
    CHECK(memory->step() == state::Step::none);
    check();
  }
  // A worker feeds, and is killed after that long, wherever it is then.
  void die(std::chrono::microseconds after) {
    kind.come();
    const auto child = test::fork_with(*memory);
    if (child == 0) {
      ::signal(SIGABRT, SIG_DFL), ::signal(SIGSEGV, SIG_DFL);
      while (kind.feed().feed(*intake) == Turn::more) {
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(after);
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE((WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0));
    killed += WIFSIGNALED(status);
    crash();
  }
  // A worker feeds, and dies at its nth commit: in a turn, in a trim, or while it is told what was
  // passed. What handlers take is not part of that. false: it lived until all was taken.
  bool dies_at(int nth, CommitKiller::When when, Payloads& got) {
    try {
      CommitKiller::arm(nth, when);
      while (got.size() < world.messages.size()) {
        feed();
        {
          const CommitKiller::Pause pause;
          const auto a = settle(0);
          CHECK((settle(1) == a));
          got.insert(got.end(), a.begin(), a.end());
        }
        pass();
      }
      CommitKiller::disarm();
      return false;
    } catch (const test::KilledAtCommit&) {
      CommitKiller::disarm();
      crash();
      return true;
    }
  }
  // All that is there for a handler.
  Payloads take(std::size_t i) {
    auto payloads = settle(i);
    pass();
    return payloads;
  }
  Payloads settle(std::size_t i) {
    Payloads payloads;
    auto& d = *deliveries[i];
    auto at = d.next();
    while (const auto piece = d.log().read(at, d.bit())) {
      auto bytes =
          std::string_view(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
      while (!bytes.empty()) {
        const auto n =
            standpipe_wire_get_length(reinterpret_cast<const std::uint8_t*>(bytes.data()));
        payloads.emplace_back(bytes.substr(STANDPIPE_WIRE_HEADER_BYTES, n));
        bytes.remove_prefix(STANDPIPE_WIRE_HEADER_BYTES + n);
      }
      const deliver::Range range{piece->begin, piece->end, piece->count};
      d.give_out(range);
      d.finish(range);
      d.edit_tally().delivered += range.count;
      at = piece->end;
    }
    memory->commit();
    return payloads;
  }
  void pass() {
    intake->trim();
    kind.feed().passed(intake->log().trimmed().position);
    check();
  }
  // What both handlers have for themselves; it must be the same.
  void take_both(Payloads& got) {
    const auto a = take(0);
    CHECK((take(1) == a));
    got.insert(got.end(), a.begin(), a.end());
  }
  void check() const {
    intake->check_invariants();
    for (const auto& d : deliveries) d->check_invariants();
  }

  World world;
  Kind kind;
  std::unique_ptr<state::Memory> memory;
  std::optional<log::Arena> arena;
  std::optional<worker::Intake> intake;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;
  int killed = 0;

 private:
  void begin(std::unique_ptr<state::Memory> next) {
    auto before = std::move(memory);  // the feed of before is gone only when there is the next
    memory = std::move(next);
    arena.emplace(*memory);
    match::RouteOptions route;
    route.from = {0};
    route.to = {0, 1};
    intake.emplace(
        worker::IntakeOptions{
            .source = "in", .log_size_max = 32 * KiB, .message_size_max = 10 * KiB},
        *arena, match::Matcher(0, {route}, {}), world.clock, world.reporter);
    for (std::uint32_t i = 0; i < 2; ++i)
      deliveries.push_back(intake->make_delivery(i, i ? "b" : "a", i));
    kind.make(*memory);
    memory->commit();
  }
};

}  // namespace

#define EVERY_KIND FifoKind, RelayedKind, SpillKind, CreditKind

TEMPLATE_TEST_CASE("a feed brings every message once, in order, and counts it", "", EVERY_KIND) {
  Bench<TestType> b;
  Payloads got;
  for (int i = 0; i < 1000 && got.size() < b.world.messages.size(); ++i) {
    b.feed();
    b.take_both(got);
  }
  CHECK((got == b.world.messages));
  CHECK(b.intake->counters().accepted == got.size());
  CHECK(b.intake->counters().matched == got.size());
  CHECK(b.deliveries[0]->tally().delivered == got.size());
}

TEMPLATE_TEST_CASE(
    "a feed stops when it can bring no more, and continues when something was passed", "",
    EVERY_KIND) {
  Bench<TestType> b;
  const auto stopped = b.feed();
  CHECK((stopped == Turn::full || stopped == Turn::idle));
  const auto accepted = b.intake->counters().accepted;
  CHECK(accepted > 0);
  CHECK(accepted < b.world.messages.size());
  CHECK(b.feed() == stopped);
  CHECK(b.intake->counters().accepted == accepted);
  Payloads got;
  b.take_both(got);
  CHECK(got.size() == accepted);
  b.feed();
  CHECK(b.intake->counters().accepted > accepted);
}

TEMPLATE_TEST_CASE("the next worker continues where the last one was after any of its turns", "",
                   EVERY_KIND) {
  for (int between = 1; between < 6; ++between) {
    Bench<TestType> b;
    Payloads got;
    for (int i = 0; i < 3000 && got.size() < b.world.messages.size(); ++i) {
      b.turn();
      if (i % between == 0) b.crash();
      if (i % 3 == 0) b.take_both(got);
    }
    REQUIRE((got == b.world.messages));
    CHECK(b.intake->counters().accepted == got.size());
  }
}

TEMPLATE_TEST_CASE("killed before or after any commit, a feed loses nothing and repeats nothing",
                   "", EVERY_KIND) {
  const auto when = GENERATE(CommitKiller::When::before, CommitKiller::When::after);
  int nth = 0;
  for (bool died = true; died; ++nth) {
    Bench<TestType> b(90);
    Payloads got;
    died = b.dies_at(nth, when, got);
    for (int i = 0; i < 100 && got.size() < b.world.messages.size(); ++i) {
      b.feed();
      b.take_both(got);
    }
    REQUIRE((got == b.world.messages));
    REQUIRE(b.intake->counters().accepted == got.size());
    REQUIRE(b.deliveries[0]->tally().delivered == got.size());
  }
  CHECK(nth > 4);  // it did commit
}

TEMPLATE_TEST_CASE(
    "killed at any instruction while it feeds, a feed loses nothing and repeats nothing", "[fork]",
    EVERY_KIND) {
  std::mt19937 random(7);
  int killed = 0;
  for (int round = 0; round < 4; ++round) {
    Bench<TestType> b(300);
    Payloads got;
    for (unsigned i = 0; i < 500 && got.size() < b.world.messages.size(); ++i) {
      b.die(std::chrono::microseconds(random() % (1500 + 50 * i)));  // a slow build needs longer
      b.take_both(got);
    }
    REQUIRE((got == b.world.messages));
    CHECK(b.intake->counters().accepted == got.size());
    killed += b.killed;
  }
  CHECK(killed > 0);
}

TEMPLATE_TEST_CASE("what one handler still wants is not acknowledged, and all is when both have it",
                   "", EVERY_KIND) {
  Bench<TestType> b(20);
  b.feed();
  CHECK((b.take(0) == b.world.messages));
  const auto trimmed = b.intake->log().trimmed();
  CHECK(trimmed == log::Cursor{});
  b.crash();
  CHECK((b.take(1) == b.world.messages));
  CHECK(b.intake->log().trimmed() == b.intake->log().end());
  b.feed();
  CHECK(b.kind.all_acknowledged());
  CHECK(b.intake->counters().accepted == b.world.messages.size());
}
