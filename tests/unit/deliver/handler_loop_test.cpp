// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "base/limits.h"
#include "frame/length_prefixed.h"
#include "scripted.h"
#include "temporary_folder.h"

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
      const char frame[] = {1, 0, 0, 0, static_cast<char>('a' + (log.end().sequence.number - 1) % 26)};
      const auto room = log.room(0);
      std::memcpy(room.data(), frame, sizeof frame);
      log.filled(sizeof frame);
      REQUIRE(log.add_run(sizeof frame, 1, 1, 1, {&set, 1}));
      ++delivery->edit_tally().matched;
      keeping.commit();
    }
  }
  void make_output() {
    const deliver::Output::Around needs{quiet, [](auto&) {}, [this](std::uint32_t) -> deliver::Delivery& { return *delivery; },
                                        64 * KiB, 64 * KiB};
    out = std::make_unique<deliver::Output>(plugin::FifoOutputRequest{folder / "out", 0600, true, true}, needs);
    out->attach(keeping, link, 0);
  }
  // Messages first .. last - 1 were given out, and are to be given again; those before are final.
  void give_again(std::uint32_t first, std::uint32_t last, Nanoseconds due = Nanoseconds(0)) {
    const auto place = [](std::uint32_t i) { return log::Cursor{{i * 5u}, {i + 1u}}; };
    const auto given = delivery->next().sequence.number - 1;
    delivery->give_out({delivery->next(), place(last), last - given});
    if (given < first) {
      delivery->edit_tally().delivered += first - given;
      delivery->finish({place(static_cast<std::uint32_t>(given)), place(first), first - given});
    }
    delivery->give_again({{place(first), place(last), last - first}}, due);
    keeping.commit();
  }
  // What a reader of the output gets; the letters of the messages.
  std::string sent() {
    const Fd reader(::open((folder / "out").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    while (out->pump(time.now)) {
    }
    char bytes[4096];
    const auto n = ::read(reader.get(), bytes, sizeof bytes);
    std::string letters;
    for (ssize_t i = 4; i < n; i += 5) letters += bytes[i];
    return letters;
  }
  // Batches are with other handlers that may all become sendings.
  void fill_output() {
    while (out->accepts()) out->expect();
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
    if (!out) why = "no outputs here";
    return out.get();
  }
  log::Memory& memory() override { return keeping; }
  deliver::Delivery& delivery_with(std::uint32_t) override { return *delivery; }
  deliver::Output& output(std::uint32_t) override { throw log::Memory::Damaged("no outputs here"); }
  bool admit(deliver::HandlerLoop&, bool) override { return true; }
  void release() override {}
  std::optional<Failure> put_aside(std::span<const deliver::DeadLetter> letters) override {
    puts.push_back(letters.size());
    if (disk_is_full) return Failure("no space");
    for (const auto& l : letters) aside.push_back(std::to_string(l.sequence) + ' ' + std::string(l.detail));
    return {};
  }
  bool keeps_dead_letters() const override { return keeps_letters; }
  void settled(deliver::Delivery&) override {}
  void has_sendings(deliver::Output&) override {}

  test::Scripted scripted;
  test::ManualClock time;
  test::Quiet quiet;
  std::vector<std::string> aside;
  std::vector<std::size_t> puts;  // how many at once
  bool disk_is_full = false, keeps_letters = true;
  log::Memory keeping;
  log::Arena arena;
  log::Log log;
  frame::LengthPrefixed codec;
  test::TemporaryFolder folder;
  keeper::Link link = keeper::Link::none();
  std::unique_ptr<deliver::Output> out;
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
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.tally().dead_by[0] == 1);
  CHECK(f.aside == Seen{"3 it gave no reason"});
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("all letters of a batch are kept at once, with the reason that the plugin gave, before anything is booked") {
  Fixture f(1);
  f.append(5);
  f.scripted.reason = "db down";
  f.scripted.script = {"JDRJJ"};
  f.run();
  CHECK(f.puts == std::vector<std::size_t>{4});
  CHECK(f.aside == Seen{"1 its plugin told no reason of its own for it", "3 its plugin told no reason of its own for it",
                        "4 db down", "5 db down"});
  CHECK(f.tally().dead_by[0] == 3);
  CHECK(f.tally().dead_by[1] == 1);
}

TEST_CASE("what cannot be kept waits, and is lost in no case") {
  Fixture f;
  f.append(3);
  f.disk_is_full = true;
  f.scripted.script = {"DJD", "J", "J"};
  f.step();
  CHECK(f.tally().delivered == 2);
  CHECK(f.delivery->in_flight() == 1);
  CHECK(f.quiet.said == Seen{"it: no space; 1 message of in waits until it can be kept"});
  f.time.now = f.loop->wake_at().value();
  f.step();
  CHECK(f.delivery->in_flight() == 1);
  f.disk_is_full = false;
  f.time.now = f.loop->wake_at().value();
  f.step();
  CHECK(f.aside.size() == 1);
  CHECK(f.delivery->in_flight() == 0);
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "2 a1", "2 a1"});
}

TEST_CASE("without a place for letters what is rejected is dropped, counted and said") {
  Fixture f;
  f.keeps_letters = false;
  f.append(1);
  f.scripted.script = {"J"};
  f.run();
  CHECK(f.aside.empty());
  CHECK(f.tally().dropped[static_cast<std::size_t>(deliver::Reason::rejected)] == 1);
}

TEST_CASE("the first retry is said with its reason, and those that follow more seldom") {
  Fixture f(0);
  f.append(1);
  f.scripted.reason = "db down";
  f.scripted.script.assign(20, "R");
  f.run();
  REQUIRE(f.quiet.said.size() >= 2);
  CHECK(f.quiet.said.size() <= 6);
  CHECK(f.quiet.said[0] == "it: 1 message of in failed (attempt 1), and is tried again in 200ms: db down");
}

TEST_CASE("with the defaults a message that fails is tried for more than five minutes") {
  Fixture f(deliver::HandlerOptions{}.attempts_max);
  f.append(1);
  f.scripted.script.assign(100, "R");
  const auto began = f.time.now;
  f.run();
  CHECK(f.time.now - began > 5min);
  CHECK(f.tally().dead_by[1] == 1);
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

TEST_CASE("attempts end, and the message is dead-lettered with its reason") {
  Fixture f(3);
  f.append(2);
  f.scripted.script = {"RD", "R", "R"};
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2 a1", "1 a2", "1 a3"});
  CHECK(f.tally().dead_by[1] == 1);
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
  CHECK(f.tally().dead_by[1] == 1);
  CHECK(f.aside.size() == 1);
}

TEST_CASE("what a handler waits for, or is held for, is told to who asks") {
  Fixture f;
  f.append(2);
  f.scripted.reason = "db down";
  f.scripted.script = {"XD", "R"};
  CHECK(f.loop->state(f.time.now).name == "opening");
  f.step(2);
  CHECK(f.loop->state(f.time.now).reason == "db down (tried 1 time)");
  f.time.now += 1s;
  f.step();
  CHECK(f.loop->state(f.time.now).name == "retrying");
  CHECK(f.loop->state(f.time.now).reason == "db down");
  f.run();
  CHECK(f.loop->state(f.time.now).name == "ready");
  CHECK(f.loop->state(f.time.now).phase.empty());
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

// ---- everything to one output

namespace {

// A plugin that adds an output and asks in open that everything goes to that number; what it was told.
std::uint32_t ask_for_all(const standpipe_host& host, std::uint32_t number) {
  const auto* power = static_cast<const standpipe_output*>(
      host.extension(host.self, {STANDPIPE_OUTPUT_EXTENSION, sizeof STANDPIPE_OUTPUT_EXTENSION - 1}));
  standpipe_fifo_output fifo{};
  fifo.size = sizeof fifo;
  power->add_fifo(host.self, &fifo, nullptr);
  return power->send_all(host.self, number);
}

}  // namespace

TEST_CASE("a handler that sends everything is not asked about its messages") {
  Fixture f;
  f.make_output();
  f.scripted.on_open = [](const auto& host) { CHECK(ask_for_all(host, 1) == 1); };
  f.append(3);
  f.step();
  CHECK(f.scripted.seen.empty());
  CHECK(f.delivery->next() == f.log.end());
  CHECK(f.sent() == "abc");
  CHECK(f.delivery->in_flight() == 3);
  CHECK_FALSE(f.keeping.pending());
}

TEST_CASE("what an earlier worker left open is sent first, range by range") {
  Fixture f;
  f.make_output();
  f.append(6);
  f.give_again(1, 2);
  f.give_again(3, 5);
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.step();
  CHECK(f.scripted.seen.empty());
  CHECK(f.sent() == "bdef");
  CHECK_FALSE(f.keeping.pending());
}

TEST_CASE("what is to wait is not sent before, nor is what stands behind it") {
  Fixture f;
  f.make_output();
  f.append(2);
  f.give_again(0, 1, 5s);
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.step();
  CHECK(f.out->idle());
  CHECK(f.loop->wake_at() == 5s);
  f.run();
  CHECK(f.sent() == "ab");
}

TEST_CASE("a full output keeps what is sent without asking in its log") {
  Fixture f;
  f.make_output();
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.step();
  f.fill_output();
  f.append(1);
  const auto next = f.delivery->next();
  f.step();
  CHECK(f.delivery->next() == next);
  CHECK(f.loop->waits_for_output());
}

TEST_CASE("everything to an output that there is not is refused, and the handler is asked") {
  Fixture f;
  f.scripted.on_open = [](const auto& host) { CHECK(ask_for_all(host, 1) == 0); };
  f.append(2);
  f.step();
  CHECK(f.scripted.seen == Seen{"1,2 a1"});
}
