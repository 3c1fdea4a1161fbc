// SPDX-License-Identifier: Apache-2.0
#include "worker/overflow.h"

#include <standpipe/wire.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "base/failure.h"
#include "base/limits.h"
#include "deliver/remaining.h"
#include "deliver/spill.h"
#include "failing_disk.h"
#include "log/arena.h"
#include "metadata.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::SpillReader;
using worker::Overflow;

namespace {

using Lines = std::vector<std::string>;

class TestClock final : public Clock {
 public:
  Nanoseconds steady() const override { return now; }
  Nanoseconds wall() const override { return now + set_by; }
  Nanoseconds now{1s}, set_by{77};
};

class Notes final : public Reporter {
 public:
  void say(const Diagnostic& d) override { reported.push_back(d.message); }
  std::size_t count(std::string_view text) const {
    std::size_t n = 0;
    for (const auto& message : reported) n += message.find(text) != message.npos;
    return n;
  }
  Lines reported;
};

// One source's log with three deliveries: a and b are held, c goes on. Verbs: append, pass (c has
// all), take, crash.
class OverflowFixture {
 public:
  OverflowFixture() {
    make(std::make_unique<state::Memory>(
        state::MemoryPlan{.memory_max = 4 * MiB, .logs = 1, .deliveries = 3}));
  }

  // Messages of "HANDLERS PAYLOAD".
  void append(const Lines& messages) {
    for (const auto& m : messages) {
      const auto space = m.find(' ');
      std::uint64_t set = 0;
      for (std::size_t i = 0; i < space; ++i) {
        set |= std::uint64_t{1} << (m[i] - 'a');
        ++deliveries[static_cast<std::size_t>(m[i] - 'a')]->edit_tally().matched;
      }
      std::uint8_t header[STANDPIPE_WIRE_HEADER_BYTES];
      const auto payload = m.substr(space + 1);
      standpipe_wire_put_length(header, static_cast<std::uint32_t>(payload.size()));
      const auto room = log->room(sizeof header + payload.size());
      REQUIRE(room.size() >= sizeof header + payload.size());
      std::memcpy(room.data(), header, sizeof header);
      std::memcpy(room.data() + sizeof header, payload.data(), payload.size());
      log->filled(sizeof header + payload.size());
      REQUIRE(log->add_run(sizeof header + payload.size(), 1, 5, 1, {&set, 1}));
    }
    keeping->commit();
  }
  // That many messages, or all, are final for a delivery.
  void pass(std::size_t which, std::uint64_t most = ~std::uint64_t{0}) {
    auto& d = *deliveries[which];
    auto at = d.next();
    for (std::uint64_t n = 0; n < most; ++n) {
      const auto piece = d.log().read(at, d.bit());
      if (!piece) break;
      const deliver::Range range{piece->begin, piece->end, piece->count};
      d.give_out(range);
      d.finish(range);
      d.edit_tally().delivered += range.count;
      at = piece->end;
    }
    d.skip_unwanted();
    keeping->commit();
  }
  // One batch of what a and b hold back.
  bool take() {
    const auto until = deliveries[2]->settled();
    std::vector<Overflow::Held> held;
    for (std::size_t i = 0; i < 2; ++i) {
      deliveries[i]->skip_unwanted();
      if (deliveries[i]->settled() < until)
        held.push_back({deliveries[i].get(), i ? "b" : "a", "broken"});
    }
    keeping->commit();
    const bool took = overflow->absorb(held, until);
    CHECK_FALSE(keeping->pending());
    for (const auto& d : deliveries) d->check_invariants();
    return took;
  }
  // The next worker has what the last commit left.
  void crash() {
    Fd memory(::dup(keeping->fd()));
    overflow.reset();
    deliveries.clear();
    log.reset();
    arena.reset();
    make(std::make_unique<state::Memory>(std::move(memory)));
  }
  std::string path() const { return SpillReader::path_of(folder.path(), "in", overflow->number()); }
  // "HANDLERS PAYLOAD" of its file, and at the end what is damaged.
  Lines saved() const {
    Lines messages;
    SpillReader reader(path());
    while (const auto m = reader.next()) {
      std::string line;
      for (const auto& h : m->handlers) line += h;
      const auto* text = reinterpret_cast<const char*>(m->frame.data());
      messages.push_back(line + ' ' +
                         std::string(text, m->frame.size()).substr(STANDPIPE_WIRE_HEADER_BYTES));
      if (!m->fields.empty()) messages.back() += ' ' + test::fields_text(m->fields);
    }
    if (!reader.damage().empty()) messages.push_back(reader.damage());
    return messages;
  }

  test::TemporaryFolder folder;
  TestClock clock;
  Notes notes;
  std::uint64_t max = 1 * MiB;
  std::unique_ptr<state::Memory> keeping;
  std::optional<log::Arena> arena;
  std::optional<log::Log> log;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;
  std::optional<Overflow> overflow;

  void make(std::unique_ptr<state::Memory> memory) {
    keeping = std::move(memory);
    arena.emplace(*keeping);
    log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 2 * MiB, .readers = 3});
    for (std::uint32_t i = 0; i < 3; ++i)
      deliveries.push_back(std::make_unique<deliver::Delivery>(
          "in", std::string(1, static_cast<char>('a' + i)), i, *log, i));
    overflow.emplace(*keeping, folder.path(), "in", max, clock, notes);
    keeping->commit();
  }
};

}  // namespace

TEST_CASE_METHOD(OverflowFixture,
                 "what held handlers hold back is saved as far as others have passed it, once for "
                 "all who want it") {
  append({"ac one", "abc two", "c three", "b four", "abc five"});
  pass(2, 2);
  REQUIRE(take());
  CHECK(saved() == Lines{"a one", "ab two"});
  CHECK(deliveries[0]->saved() == 2);
  CHECK(deliveries[1]->saved() == 1);
  CHECK(deliveries[0]->in_flight() == 3);
  CHECK_FALSE(take());
  pass(2);
  REQUIRE(take());
  CHECK(saved() == Lines{"a one", "ab two", "b four", "ab five"});
  CHECK(deliveries[0]->settled() == log->end());
  CHECK(notes.count(
            "in: the log is full of what waits for a (broken), b (broken), which are held") == 1);
  const auto state = overflow->state();
  REQUIRE(state);
  CHECK((state->messages == 4 && state->path == path() && state->since == clock.wall() &&
         state->stuck.empty()));
  clock.set_by = -24h * 365;
  CHECK(overflow->state()->since == clock.wall());
}

TEST_CASE_METHOD(OverflowFixture, "a message's metadata goes to the disk with it") {
  append({"ac one"});
  REQUIRE(test::append_described(*log, std::string("\3\0\0\0two", 7), {{"key", "k2"}}, 5, 5));
  for (const std::size_t which : {0, 2}) ++deliveries[which]->edit_tally().matched;
  keeping->commit();
  pass(2);
  REQUIRE(take());
  CHECK(saved() == Lines{"a one", "a two key=k2"});
}

TEST_CASE_METHOD(OverflowFixture,
                 "what is to be redelivered comes first, and only that before the end is saved") {
  append({"ac one", "ac two", "ac three"});
  pass(2);
  auto& a = *deliveries[0];
  const log::Cursor behind_one{{7}, {2}}, behind_two{{14}, {3}};  // a header and 3 bytes each
  const deliver::Range two{a.next(), behind_two, 2};
  a.give_out(two);
  CHECK_FALSE(a.has_all());
  a.redeliver({two}, {});
  CHECK(a.has_all());
  keeping->commit();
  a.save_before(behind_one);
  CHECK(a.saved() == 1);
  CHECK(a.redeliveries().front().range.count == 1);
  keeping->commit();
  a.check_invariants();
  REQUIRE(take());
  CHECK(saved() == Lines{"a two", "a three"});
  CHECK(a.redeliveries().empty());
  CHECK(a.saved() == 3);
}

TEST_CASE_METHOD(OverflowFixture,
                 "what a worker wrote and did not commit is cut off and written again") {
  append({"ac one", "ac two"});
  pass(2);
  REQUIRE(take());
  append({"ac three"});
  pass(2);
  {
    std::ofstream file(path(), std::ios::binary | std::ios::app);
    file << "a part of a batch that was never committed";
  }
  crash();
  REQUIRE(take());
  CHECK(saved() == Lines{"a one", "a two", "a three"});
  CHECK(deliveries[0]->saved() == 3);
  CHECK(notes.count("from now on") == 1);
}

TEST_CASE_METHOD(
    OverflowFixture,
    "a file that a worker made and committed nothing of is begun again, under its number") {
  const auto number = SpillReader::next_number(folder.path(), "in");
  keeping->commit();
  append({"ac one"});
  pass(2);
  {
    const test::FullDisk full(20);
    CHECK_FALSE(take());
  }
  CHECK(overflow->number() == number);
  crash();
  REQUIRE(take());
  CHECK(overflow->number() == number);
  CHECK(saved() == Lines{"a one"});
}

TEST_CASE_METHOD(OverflowFixture,
                 "a list of handlers is not mistaken for one that an earlier worker wrote") {
  append({"ac one"});
  pass(2);
  REQUIRE(take());
  crash();
  append({"bc two", "ac three"});
  pass(2);
  REQUIRE(take());
  CHECK(saved() == Lines{"a one", "b two", "a three"});
}

TEST_CASE_METHOD(OverflowFixture,
                 "without its end it is whole all the same, and with it the count is checked") {
  append({"ac one", "ac two"});
  pass(2);
  REQUIRE(take());
  CHECK_FALSE(SpillReader(path()).written());
  CHECK(saved() == Lines{"a one", "a two"});
  std::filesystem::resize_file(
      path(), std::filesystem::file_size(path()) - 1);  // all were killed inside a write
  CHECK(saved() == Lines{"a one"});
}

TEST_CASE_METHOD(
    OverflowFixture,
    "at the end it says how many messages it has, whichever worker ends it, and how often") {
  append({"ac one", "ac two"});
  pass(2);
  REQUIRE(take());
  overflow->finish();
  CHECK(SpillReader(path()).written() == 2);
  crash();
  overflow->finish();
  CHECK(SpillReader(path()).written() == 2);
  CHECK(saved() == Lines{"a one", "a two"});
}

TEST_CASE_METHOD(OverflowFixture,
                 "a full file takes no more, which is reported once, and nothing is lost") {
  max = 1000;
  crash();
  for (int i = 0; i < 50; ++i) append({"ac " + std::string(50, static_cast<char>('a' + i % 26))});
  pass(2);
  while (take()) {
  }
  CHECK(std::filesystem::file_size(path()) <= max);
  CHECK_FALSE(take());
  CHECK(notes.count("has filled") == 1);
  CHECK(overflow->state()->stuck == "it is full");
  CHECK(deliveries[0]->in_flight() == 50);
  CHECK(saved().size() == deliveries[0]->saved());
  CHECK(deliveries[0]->saved() > 5);
}

TEST_CASE_METHOD(OverflowFixture,
                 "a disk that takes no more is reported once, and tried again after a while") {
  append({"ac one"});
  pass(2);
  REQUIRE(take());
  append({"ac " + std::string(5000, 'x')});
  pass(2);
  {
    const test::FullDisk full(1000);
    CHECK_FALSE(take());
    CHECK(overflow->retry_at() == clock.now + 5s);
    clock.now += 5s;
    CHECK_FALSE(take());
    CHECK(notes.count("cannot be saved") == 1);
  }
  CHECK_FALSE(take());  // not yet
  CHECK(deliveries[0]->saved() == 1);
  clock.now += 5s;
  REQUIRE(take());
  CHECK(notes.count("takes messages again") == 1);
  CHECK(saved().size() == 2);
}

TEST_CASE_METHOD(OverflowFixture, "a batch is bounded, and one larger message is a batch") {
  const std::string large(100 * KiB, 'x');
  for (int i = 0; i < 6; ++i) append({"ac " + large});
  append({"ac " + std::string(400 * KiB, 'y')});
  pass(2);
  std::size_t before = 0;
  Lines taken;
  while (take())
    taken.push_back(
        std::to_string(deliveries[0]->saved() - std::exchange(before, deliveries[0]->saved())));
  CHECK(taken == Lines{"2", "2", "2", "1"});
}

TEST_CASE_METHOD(OverflowFixture, "where no room is given, nothing is taken") {
  max = 0;
  crash();
  append({"ac one"});
  pass(2);
  CHECK_FALSE(take());
  CHECK_FALSE(overflow->state());
  CHECK_FALSE(std::filesystem::exists(folder / "spill"));
}

TEST_CASE_METHOD(
    OverflowFixture,
    "a file that somebody made shorter is reported, and what is not there yet stays in memory") {
  append({"ac one", "ac two"});
  pass(2);
  REQUIRE(take());
  append({"ac three"});
  pass(2);
  std::filesystem::resize_file(path(), 40);
  crash();
  CHECK_FALSE(take());
  CHECK(notes.count("became shorter") == 1);
  CHECK(deliveries[0]->in_flight() == 3);
}
