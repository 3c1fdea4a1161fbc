// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_loop.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "base/limits.h"
#include "frame/length_prefixed.h"
#include "scripted.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// One source's log, one delivery, one handler with a scripted plugin on the loop. Time is the test's.
class Fixture final : public deliver::Surroundings {
 public:
  explicit Fixture(unsigned attempts = 5)
      : keeping({.memory_max = 4 * MiB}), arena(keeping), log(arena, {.id = 0, .size_max = 1 * MiB, .readers = 1}), codec(1 * MiB) {
    deliver::HandlerOptions options;
    options.name = "it";
    options.plugin = &scripted.plugin;
    options.attempts_max = attempts;
    loop = std::make_unique<deliver::HandlerLoop>(options, 0, *this);
    loop->create();
    delivery = &loop->add(std::make_unique<deliver::Delivery>("in", "it", 0, log, codec, 0));
  }

  void append(unsigned messages) {
    const std::uint64_t set = 1;
    for (unsigned i = 0; i < messages; ++i) {
      const char frame[] = {1, 0, 0, 0, 'm'};
      const auto room = log.room(0);
      std::memcpy(room.data(), frame, sizeof frame);
      log.filled(sizeof frame);
      REQUIRE(log.add_run(sizeof frame, 1, 1, 1, {&set, 1}));
      ++delivery->edit_tally().matched;
      keeping.commit();
    }
  }
  // Steps until nothing is left to do now, at most `most` times, checking the books each time.
  void step(int most = 100) {
    while (most-- > 0 && loop->step(time.now)) delivery->check_invariants();
    delivery->check_invariants();
  }
  // The same, with the hands of the clock turned to whenever it wants to be woken.
  void run() {
    for (int i = 0; i < 100; ++i) {
      step();
      if (!loop->wake_at()) return;
      time.now = std::max(time.now, *loop->wake_at());
    }
  }
  const deliver::Tally& tally() const { return delivery->tally(); }

  const Clock& clock() const override { return time; }
  Reporter& reporter() override { return quiet; }
  bool stopping() const override { return false; }
  void completed(deliver::HandlerLoop&) override {}
  deliver::Output* output_for(const plugin::FifoOutputRequest&, std::string& why) override {
    why = "no outputs here";
    return nullptr;
  }
  log::Memory& memory() override { return keeping; }
  deliver::Delivery& delivery_with(std::uint32_t) override { return *delivery; }
  deliver::Output& output(std::uint32_t) override { throw log::Memory::Damaged("no outputs here"); }
  bool admit(deliver::HandlerLoop&, bool) override { return true; }
  void release() override {}
  std::optional<Failure> put_aside(const deliver::DeadLetter& letter) override {
    aside.push_back(std::to_string(letter.sequence) + ' ' + std::string(letter.detail));
    return {};
  }
  void settled(deliver::Delivery&) override {}
  void has_sendings(deliver::Output&) override {}

  test::Scripted scripted;
  test::ManualClock time;
  test::Quiet quiet;
  std::vector<std::string> aside;
  log::Memory keeping;
  log::Arena arena;
  log::Log log;
  frame::LengthPrefixed codec;
  std::unique_ptr<deliver::HandlerLoop> loop;
  deliver::Delivery* delivery = nullptr;
};

using Seen = std::vector<std::string>;

}  // namespace

TEST_CASE("outcomes of one batch are booked each for itself") {
  Fixture f;
  f.append(4);
  f.scripted.script = {"DFJD"};
  f.run();
  CHECK(f.tally().delivered == 2);
  CHECK(f.tally().filtered == 1);
  CHECK(f.tally().dropped[static_cast<std::size_t>(deliver::Reason::rejected)] == 1);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("two retries with a delivered one between come again one by one, and the delivered one does not") {
  for (const std::string second : {"D", "XD", "X", "R"}) {
    Fixture f;
    f.append(3);
    f.scripted.script = {"RDR", second};
    f.run();
    CHECK(f.tally().delivered == 3);
    CHECK(f.delivery->in_flight() == 0);
    for (std::size_t i = 1; i < f.scripted.seen.size(); ++i) CHECK(f.scripted.seen[i].find('2') != 0);
  }
}

TEST_CASE("a message that is retried is not overtaken by those behind it that are retried too") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"RRR", "R", "R"};
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "1,2,3 a2", "1 a3", "1 a4", "2,3 a2"});
}

TEST_CASE("what was not looked at comes again, and no attempt is counted") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"D", "XD"};
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "2,3 a1", "3 a1"});
  CHECK(f.tally().delivered == 3);
}

TEST_CASE("a plugin that says well and looked at nothing is asked again later, not at once") {
  Fixture f;
  f.append(1);
  f.scripted.script = {"", "", "D"};
  f.step();
  CHECK(f.scripted.seen.size() == 1);
  f.run();
  CHECK(f.scripted.seen == Seen{"1 a1", "1 a1", "1 a1"});
  CHECK(f.tally().delivered == 1);
}

TEST_CASE("attempts end, and the message is dropped with its reason") {
  Fixture f(3);
  f.append(2);
  f.scripted.script = {"RD", "R", "R"};
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2 a1", "1 a2", "1 a3"});
  CHECK(f.tally().dropped[static_cast<std::size_t>(deliver::Reason::retries_exhausted)] == 1);
  CHECK(f.tally().delivered == 1);
}

TEST_CASE("the pause grows while a connection breaks before anything was handled") {
  Fixture f;
  f.append(1);
  f.scripted.script = {"X", "X", "X", "D"};
  std::vector<Nanoseconds> pauses;
  for (int i = 0; i < 20; ++i) {
    f.step();
    if (!f.loop->wake_at()) break;
    pauses.push_back(*f.loop->wake_at() - f.time.now);
    f.time.now = *f.loop->wake_at();
  }
  CHECK(pauses == std::vector<Nanoseconds>{200ms, 400ms, 800ms});
  CHECK(f.tally().delivered == 1);
}

TEST_CASE("a plugin that sends to an output it does not have is asked again, and ends with its attempts") {
  Fixture f(2);
  f.append(1);
  f.scripted.script = {"S", "S"};
  f.run();
  CHECK(f.tally().dropped[static_cast<std::size_t>(deliver::Reason::retries_exhausted)] == 1);
}

TEST_CASE("any outcomes in any order leave the books closed and every message settled") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::srand(seed);
    Fixture f(3);
    f.append(1 + static_cast<unsigned>(std::rand()) % 12);
    for (int call = 0; call < 8; ++call) {
      std::string answer = std::rand() % 4 ? "" : "X";
      for (int i = 0; i < std::rand() % 12; ++i) answer += "DRJF"[std::rand() % 4];
      f.scripted.script.push_back(answer);
    }
    f.run();
    CHECK(f.delivery->in_flight() == 0);
    CHECK(f.tally().settled() == f.tally().matched);
  }
}
