// SPDX-License-Identifier: Apache-2.0
#include "worker/reframer.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../frame/toy_lines.h"
#include "base/limits.h"
#include "commit_killer.h"
#include "frame/length_prefixed.h"

using namespace standpipe;
using test::CommitKiller;
using worker::Turn;

namespace {

using Texts = std::vector<std::string>;

class StoppedClock final : public Clock {
 public:
  Nanoseconds steady() const override { return std::chrono::seconds(1); }
  Nanoseconds wall() const override { return Nanoseconds(77); }
};

class Silence final : public Reporter {
 public:
  void say(const Diagnostic&) override {}
};

const StoppedClock kClock;
Silence silence;
const test::ToyLines kLines;
const frame::LengthPrefixed kPrefixed(1 * MiB);

match::Matcher to_one_handler() {
  match::RouteOptions route;
  route.from = {0};
  route.to = {0};
  return match::Matcher(0, {route}, {});
}

// One source in a foreign framing: its raw log, the re-framer, its log with one delivery.
struct Worker {
  Worker(std::unique_ptr<state::Memory> of, const frame::Codec& codec, std::uint64_t log_max,
         std::uint64_t message_max)
      : memory(std::move(of)),
        arena(*memory),
        intake({.source = "in", .id = 0, .log_size_max = log_max, .message_size_max = message_max},
               arena, to_one_handler(), kClock, silence),
        raw({.source = "in", .id = 1, .size_max = 2 * MiB}, arena, codec),
        delivery(intake.make_delivery(0, "it", 0)),
        reframer(raw, intake) {
    memory->commit();
  }
  std::unique_ptr<state::Memory> memory;
  log::Arena arena;
  worker::Intake intake;
  worker::RawLog raw;
  std::unique_ptr<deliver::Delivery> delivery;
  worker::Reframer reframer;
};

class Fixture {
 public:
  explicit Fixture(const frame::Codec& of, std::uint64_t log_max = 1 * MiB,
                   std::uint64_t message_max = 1 * MiB)
      : codec(of), log_max_(log_max), message_max_(message_max) {
    begin(std::make_unique<state::Memory>(state::MemoryPlan{.memory_max = 16 * MiB, .logs = 2}));
  }
  void come(const std::string& payload, std::uint64_t time = 1) {
    std::string bytes(payload.size() + 4, '\0');
    const frame::Frame frame{0, static_cast<std::uint32_t>(payload.size()),
                             static_cast<std::uint32_t>(payload.size())};
    const auto wrote =
        codec.write(std::as_bytes(std::span(payload.data(), payload.size())), {&frame, 1},
                    std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
    REQUIRE(wrote.frames == 1);
    auto& log = worker->raw.log();
    const auto room = log.room(wrote.bytes);
    REQUIRE(room.size() >= wrote.bytes);
    std::memcpy(room.data(), bytes.data(), wrote.bytes);
    log.filled(wrote.bytes);
    REQUIRE(worker->raw.index(time).all);
  }
  Turn feed() { return worker->reframer.feed(worker->intake); }
  void feed_all() {
    while (feed() == Turn::more) {
    }
  }
  // The worker is dead, and there is another one.
  void crash() {
    CommitKiller::disarm();
    auto next = std::make_unique<state::Memory>(Fd(::dup(worker->memory->fd())));
    worker.reset();
    begin(std::move(next));
    worker->arena.forget_unclaimed();
    worker->reframer.recover(worker->intake);
  }
  // What the handler gets, which is final then. "time payload", if they are asked for.
  Texts take(bool times = false) {
    const CommitKiller::Pause pause;
    Texts texts;
    auto& delivery = *worker->delivery;
    auto at = delivery.next();
    while (const auto piece = worker->intake.log().read(at, 0)) {
      at = piece->end;
      std::vector<frame::Frame> frames(piece->count);
      REQUIRE(kPrefixed.scan(piece->bytes, frames).frames == piece->count);
      for (const auto& f : frames)
        texts.push_back(
            (times ? std::to_string(piece->time_ns) + ' ' : "") +
            std::string(reinterpret_cast<const char*>(piece->bytes.data()) + f.payload, f.size));
      delivery.give_out({piece->begin, piece->end, piece->count});
      delivery.edit_tally().delivered += piece->count;
      delivery.finish({piece->begin, piece->end, piece->count});
    }
    worker->intake.trim();
    worker->intake.check_invariants();
    delivery.check_invariants();
    return texts;
  }

  const frame::Codec& codec;
  std::unique_ptr<Worker> worker;

 private:
  void begin(std::unique_ptr<state::Memory> memory) {
    worker = std::make_unique<Worker>(std::move(memory), codec, log_max_, message_max_);
  }
  std::uint64_t log_max_, message_max_;
};

}  // namespace

TEST_CASE(
    "messages in a foreign framing come to the log with the one inside, and their accept times "
    "with them") {
  Fixture f(kLines);
  f.come("one", 5);
  f.come("", 5);
  f.come("three", 6);
  CHECK(f.feed() == Turn::idle);
  CHECK(f.take(true) == Texts{"5 one", "5 ", "6 three"});
  CHECK(f.worker->raw.log().trimmed() == f.worker->raw.log().end());
  CHECK(f.worker->intake.counters().accepted == 3);
  CHECK_FALSE(f.worker->memory->pending());
}

TEST_CASE("in the framing inside all stays as it was") {
  Fixture f(kPrefixed);
  const std::string large(300'000, 'x');
  for (const auto& payload : {std::string("one"), large, std::string("three")}) f.come(payload);
  f.feed_all();
  CHECK(f.take() == Texts{"one", large, "three"});
  CHECK(f.worker->raw.log().memory() == 0);
}

TEST_CASE("a full log takes the rest when it was trimmed") {
  Fixture f(kLines, 64 * KiB);
  Texts all;
  for (int i = 0; i < 2000; ++i) f.come(all.emplace_back(std::to_string(i) + std::string(90, 'x')));
  CHECK(f.feed() == Turn::full);
  Texts taken;
  for (int turns = 0; turns < 20 && taken.size() < all.size(); ++turns) {
    for (auto& text : f.take()) taken.push_back(std::move(text));
    f.feed();
  }
  CHECK(taken == all);
}

TEST_CASE("what is too large inside is passed over and counted, and the others go on") {
  Fixture f(kLines, 1 * MiB, 10);
  for (const auto* payload : {"one", "far too large", "three"}) f.come(payload);
  f.come("far too large, and alone in its piece", 2);
  f.feed_all();
  CHECK(f.take() == Texts{"one", "three"});
  CHECK(f.worker->reframer.refused() == 2);
  CHECK(f.worker->raw.log().trimmed() == f.worker->raw.log().end());
}

TEST_CASE("killed before or after any commit, each message comes once, in order") {
  const auto* codec = GENERATE(static_cast<const frame::Codec*>(&kLines),
                               static_cast<const frame::Codec*>(&kPrefixed));
  const auto when = GENERATE(CommitKiller::When::before, CommitKiller::When::after);
  int deaths = 0;
  for (int nth = 0;; ++nth) {
    Fixture f(*codec, 64 * KiB);
    Texts all, taken;
    for (int i = 0; i < 1500; ++i)
      f.come(
          all.emplace_back(std::to_string(i) + std::string(static_cast<std::size_t>(i % 100), 'x')),
          static_cast<std::uint64_t>(1 + i / 700));
    CommitKiller::arm(nth, when);
    bool died = false;
    for (int turns = 0; turns < 40 && taken.size() < all.size(); ++turns) try {
        f.feed();
        for (auto& text : f.take()) taken.push_back(std::move(text));
      } catch (const test::KilledAtCommit&) {
        died = true;
        f.crash();
      }
    CommitKiller::disarm();
    REQUIRE(taken == all);
    CHECK(f.worker->intake.counters().accepted == all.size());
    if (!died) break;
    ++deaths;
  }
  CHECK(deaths > 10);
}
