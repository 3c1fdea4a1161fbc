// SPDX-License-Identifier: Apache-2.0
#include "worker/replay.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "log/meta_block.h"
#include "worker/commit_killer.h"
#include "worker/fifo_sources.h"

using namespace standpipe;
using deliver::Reason;
using test::CommitKiller;
using worker::Replay;

namespace {

using Texts = std::vector<std::string>;
using Letters = std::vector<Replay::Letter>;

Letters numbered(std::uint64_t first, std::uint64_t last, std::size_t bytes = 0) {
  Letters letters;
  for (auto n = first; n < last; ++n) {
    auto& letter = letters.emplace_back();
    letter.identity = n;
    letter.payload = std::to_string(n) + std::string(bytes, '.');
  }
  return letters;
}

// Letters of a map, which is what lies on the disk, and a replay of them, worker after worker.
// Verbs: feed, take, refuse, remove (letters of what was passed), crash.
class Fixture {
 public:
  explicit Fixture(Letters of = {}) {
    for (auto& letter : of) on_disk.emplace(letter.identity, std::move(letter));
    memory = std::make_unique<state::Memory>(
        state::MemoryPlan{.memory_max = 8 * MiB, .logs = 1, .deliveries = 1, .replays = 1});
    begin();
  }
  // Those that are not in the log already, as many as there is room for.
  std::size_t feed(std::size_t most = SIZE_MAX) {
    const auto open = replay->open_letters();
    Letters rest;
    for (const auto& [identity, letter] : on_disk) {
      if (rest.size() == std::min(most, kReplayWindow + 1)) break;
      if (!open.contains(identity) && !fed_.contains(identity)) rest.push_back(letter);
    }
    const auto fed = replay->feed(rest, most, 5);
    for (std::size_t i = 0; i < fed; ++i) fed_.insert(rest[i].identity);
    check();
    return fed;
  }
  // The handler takes so many of what waits.
  Texts take(std::size_t most = SIZE_MAX) {
    return settle(most, [](deliver::Tally& tally) { ++tally.delivered; });
  }
  Texts refuse(std::size_t most) {
    return settle(most, [](deliver::Tally& tally) { tally.dead_letter(Reason::rejected, 1); });
  }
  template <class How>
  Texts settle(std::size_t most, How how) {
    Texts got;
    while (got.size() < most) {
      auto at = delivery->next();
      const auto piece = replay->log().read(at, 0);
      if (!piece) break;
      const auto frame = test::unframed(
          std::string(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size()))[0];
      const deliver::Range one{
          piece->begin, {piece->begin.position + frame.size() + 4, piece->begin.sequence + 1}, 1};
      delivery->give_out(one);
      how(delivery->edit_tally());
      delivery->finish(one);
      memory->commit();
      got.push_back(frame);
      check();
    }
    return got;
  }
  // As the letters' thread does.
  std::size_t remove() {
    replay->trim();
    const auto passed = replay->passed();
    for (const auto identity : passed.letters) on_disk.erase(identity);
    replay->gone(passed);
    check();
    return passed.letters.size();
  }
  void crash() {
    auto next = std::make_unique<state::Memory>(Fd(::dup(memory->fd())));
    delivery.reset();
    replay.reset();
    arena.reset();
    memory = std::move(next);
    fed_.clear();
    begin();
    replay->recover();
    arena->forget_unclaimed();
    check();
  }
  void check() const {
    replay->check_invariants();
    delivery->check_invariants();
    CHECK(counted() == delivery->tally().matched);
  }
  // Of the source: what a commit has of that.
  std::uint64_t counted() const { return (*counters)->accepted; }

  std::map<std::uint64_t, Replay::Letter> on_disk;
  std::unique_ptr<state::Memory> memory;
  std::optional<log::Arena> arena;
  std::optional<state::Persistent<deliver::SourceCounters>> counters;
  std::unique_ptr<Replay> replay;
  std::unique_ptr<deliver::Delivery> delivery;

 private:
  void begin() {
    arena.emplace(*memory, log::ArenaBudget{8 * MiB, 1});
    counters.emplace(*memory, "counters");
    replay = std::make_unique<Replay>(
        worker::ReplayOptions{.source = "in", .handler = "it", .slot = 0, .message_size_max = 1000},
        *arena, 0, [this](std::int64_t messages, std::int64_t bytes) {
          auto& c = counters->edit();
          c.accepted += static_cast<std::uint64_t>(messages);
          c.bytes += static_cast<std::uint64_t>(bytes);
        });
    delivery = replay->take_delivery();
  }
  std::unordered_set<std::uint64_t> fed_;  // by this worker
};

Texts texts(std::uint64_t first, std::uint64_t last) {
  Texts all;
  for (auto n = first; n < last; ++n) all.push_back(std::to_string(n));
  return all;
}

}  // namespace

TEST_CASE("letters come to the handler in order, and leave when it has their messages") {
  Fixture f(numbered(1, 11));
  CHECK(f.feed() == 10);
  CHECK(f.replay->in_hand() == 10);
  CHECK(f.take(4) == texts(1, 5));
  CHECK(f.remove() == 4);
  CHECK(f.on_disk.size() == 6);
  CHECK(f.replay->is_busy());
  CHECK(f.take() == texts(5, 11));
  CHECK(f.remove() == 6);
  CHECK(f.on_disk.empty());
  CHECK_FALSE(f.replay->is_busy());
  CHECK(f.replay->delivered() == 10);
  CHECK(f.replay->log().empty());
}

TEST_CASE("messages that are replayed have numbers that no other message of the source has") {
  Fixture f(numbered(1, 3));
  f.feed();
  auto at = f.delivery->next();
  const auto piece = f.replay->log().read(at, 0);
  REQUIRE(piece);
  CHECK(piece->begin.sequence.number == deliver::kReplayedSequences + 1);
}

TEST_CASE("a message that is refused again counts as that, and its old letter leaves") {
  Fixture f(numbered(1, 4));
  f.feed();
  f.take(1);
  f.refuse(2);
  CHECK(f.remove() == 3);
  CHECK(f.replay->delivered() == 1);
  CHECK(f.replay->refused() == 2);
  f.replay->begin_counting();
  f.memory->commit();
  CHECK(f.replay->delivered() == 0);
  CHECK(f.replay->refused() == 0);
}

TEST_CASE("what is dropped has gone nowhere, so its letter stays") {
  Fixture f(numbered(1, 3));
  f.feed();
  CHECK(f.settle(1, [](deliver::Tally& t) { t.drop(Reason::rejected, 1); }).size() == 1);
  CHECK(f.remove() == 0);
  f.take();
  CHECK(f.remove() == 1);
  CHECK(f.on_disk.size() == 1);
}

TEST_CASE(
    "so many messages are in the log at most, and the next ones come when letters have left") {
  Fixture f(numbered(1, kReplayWindow + 101));
  CHECK(f.feed() == kReplayWindow);
  CHECK(f.feed() == 0);
  f.take(50);
  CHECK(f.feed() == 0);  // their letters are still there
  CHECK(f.remove() == 50);
  CHECK(f.feed() == 50);
}

TEST_CASE("a log that is full of large messages takes more when some are passed") {
  Fixture f(numbered(1, 301, 20'000));
  const auto fed = f.feed();
  CHECK(fed > 10);
  CHECK(fed < 300);
  CHECK(f.feed() == 0);
  f.take(20);
  f.remove();
  CHECK(f.feed() > 0);
}

TEST_CASE("a rate lets some through") {
  Fixture f(numbered(1, 11));
  CHECK(f.feed(3) == 3);
  CHECK(f.feed(0) == 0);
  CHECK(f.feed(1) == 1);
  CHECK(f.take() == texts(1, 5));
}

TEST_CASE("metadata comes back with its message") {
  log::MetaBlockWriter block;
  const std::string value = "worth", key = "key";
  REQUIRE(block.add(key, std::as_bytes(std::span(value))));
  block.end_message();
  Letters letters = numbered(1, 4);
  // The fields alone: those of a block with one message.
  {
    Fixture source(numbered(1, 2));
    const auto room = source.replay->log().add_block(block.finish(), 5, 1);
    REQUIRE(room.size() >= 5);
    const auto frame = test::framed("x");
    std::copy_n(reinterpret_cast<const std::byte*>(frame.data()), 5, room.begin());
    source.replay->log().filled(5);
    const std::uint64_t set = 1;
    REQUIRE(source.replay->log().add_run(5, 1, 1, 0, {&set, 1}));
    source.memory->commit();
    auto at = source.delivery->next();
    const auto piece = source.replay->log().read(at, 0);
    REQUIRE(piece);
    const auto fields = source.replay->log().fields_of(piece->begin);
    REQUIRE_FALSE(fields.empty());
    letters[1].fields.assign(reinterpret_cast<const char*>(fields.data()), fields.size());
  }
  Fixture f(letters);
  CHECK(f.feed() == 3);
  Texts names;  // of each message
  for (auto at = f.delivery->next(); const auto piece = f.replay->log().read(at, 0);) {
    for (std::uint64_t frame = 0; frame < piece->bytes.size(); frame += 5) {
      log::FieldReader fields(f.replay->log().fields_of(
          {piece->begin.position + frame, piece->begin.sequence + frame / 5}));
      const auto field = fields.next();
      names.push_back(field ? std::string(field->name) : "none");
    }
    at = piece->end;
  }
  CHECK(names == Texts{"none", "key", "none"});
  CHECK(f.take() == texts(1, 4));
}

TEST_CASE("what nobody has is withdrawn: its letters stay, and it is not in the account") {
  Fixture f(numbered(1, 11));
  f.feed();
  f.take(3);
  auto at = f.delivery->next();
  const auto piece = f.replay->log().read(at, 0);
  REQUIRE(piece);
  const deliver::Range in_call{
      piece->begin, {piece->begin.position + 5, piece->begin.sequence + 1}, 1};
  f.delivery->give_out(in_call);
  f.memory->commit();
  CHECK(f.replay->withdraw() == 6);
  f.check();
  CHECK(f.replay->in_hand() == 1);
  CHECK(f.counted() == 4);
  ++f.delivery->edit_tally().delivered;
  f.delivery->finish(in_call);
  f.memory->commit();
  f.remove();
  CHECK(f.on_disk.size() == 6);
  CHECK(f.on_disk.begin()->first == 5);
  CHECK_FALSE(f.replay->is_busy());
  f.crash();
  CHECK(f.feed() == 6);
  CHECK(f.take() == texts(5, 11));
}

TEST_CASE("what comes back to be tried again is withdrawn, too") {
  Fixture f(numbered(1, 4));
  f.feed();
  auto at = f.delivery->next();
  const auto piece = f.replay->log().read(at, 0);
  REQUIRE(piece);
  const deliver::Range first{
      piece->begin, {piece->begin.position + 5, piece->begin.sequence + 1}, 1};
  f.delivery->give_out(first);
  f.delivery->redeliver({first, 2}, Nanoseconds(0));
  f.memory->commit();
  CHECK(f.replay->withdraw() == 3);
  f.check();
  f.remove();
  CHECK(f.on_disk.size() == 3);
  CHECK(f.counted() == 0);
  CHECK((*f.counters)->bytes == 0);
}

TEST_CASE("what has nothing left to do can go when its source or its handler does") {
  Fixture f(numbered(1, 3));
  state::Directory directory(*f.memory);
  (void)directory.slot(state::Kind::replay, "in -> it");
  f.memory->commit();
  CHECK(Replay::is_over(*f.memory, "in", "it"));
  f.feed();
  CHECK_FALSE(Replay::is_over(*f.memory, "in", "it"));
  f.take();
  CHECK_FALSE(Replay::is_over(*f.memory, "in", "it"));  // letters are still to leave
  f.remove();
  CHECK(Replay::is_over(*f.memory, "in", "it"));
  CHECK(Replay::remove(*f.memory, directory, "in", "it"));
  f.memory->commit();
  CHECK(f.memory->find("replay/in -> it").empty());
  CHECK(f.memory->find("replay-letters/in -> it").empty());
}

TEST_CASE("killed before or after any commit, a replay loses no letter, and repeats none") {
  const auto when = GENERATE(CommitKiller::When::before, CommitKiller::When::after);
  int nth = 0;
  for (bool died = true; died; ++nth) {
    Fixture f(numbered(1, 120));
    std::map<std::string, int> got;
    // What a handler has, and what lies on the disk, no kill is part of.
    const auto step = [&] {
      f.feed(40);
      {
        const CommitKiller::Pause pause;
        for (const auto& text : f.take(25)) ++got[text];
      }
      f.remove();
    };
    died = false;
    try {
      CommitKiller::arm(nth, when);
      for (int i = 0; i < 20 && !f.on_disk.empty(); ++i) step();
      CommitKiller::disarm();
    } catch (const test::KilledAtCommit&) {
      CommitKiller::disarm();
      died = true;
      f.crash();
    }
    for (int i = 0; i < 20 && !f.on_disk.empty(); ++i) step();
    REQUIRE(f.on_disk.empty());
    REQUIRE(got.size() == 119);
    REQUIRE(std::all_of(got.begin(), got.end(), [](const auto& one) { return one.second == 1; }));
    REQUIRE(f.delivery->tally().delivered == 119);
    REQUIRE(f.counted() == 119);
  }
  CHECK(nth > 10);
}

TEST_CASE("killed at any instruction while it feeds, a replay loses nothing and repeats nothing",
          "[fork]") {
  std::mt19937 random(7);
  int killed = 0;
  Fixture f(numbered(1, 2000, 100));
  std::size_t got = 0;
  for (unsigned i = 0; i < 400 && !f.on_disk.empty(); ++i) {
    const auto child = test::fork_with(*f.memory);
    if (child == 0) {
      while (f.feed(16) > 0) {
      }
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (1500 + 50 * i)));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE((WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0));
    killed += WIFSIGNALED(status);
    f.crash();
    got += f.take().size();
    f.remove();
  }
  CHECK(f.on_disk.empty());
  CHECK(got == 1999);
  CHECK(f.counted() == 1999);
  CHECK(killed > 0);
}
