// SPDX-License-Identifier: Apache-2.0
#include "deliver/handler_loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "metadata.h"
#include "needs.h"
#include "scripted.h"
#include "senders.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

// One source's log, one delivery, one handler with a scripted plugin on the loop. Time is the
// test's.
class Fixture final : public test::Needs {
 public:
  explicit Fixture(unsigned attempts = 5, Nanoseconds age_max = Nanoseconds(0),
                   const deliver::QueueOptions& queue = {}, Nanoseconds timeout = Nanoseconds(0))
      : keeping({.memory_max = 4 * MiB}),
        arena(keeping),
        log(arena, {.id = 0, .size_max = 1 * MiB, .readers = 1}) {
    deliver::HandlerOptions options;
    options.name = "it";
    options.plugin = &scripted.plugin;
    options.attempts_max = attempts;
    options.age_max = age_max;
    options.queue = queue;
    options.timeout = timeout;
    loop = std::make_unique<deliver::HandlerLoop>(options, 0, needs(time, keeping));
    loop->create();
    delivery = &loop->add(std::make_unique<deliver::Delivery>("in", "it", 0, log, 0));
  }

  void append(unsigned messages) {
    const std::uint64_t set = 1;
    for (unsigned i = 0; i < messages; ++i) {
      const char frame[] = {1, 0, 0, 0,
                            static_cast<char>('a' + (log.end().sequence.number - 1) % 26)};
      const auto room = log.room(0);
      std::memcpy(room.data(), frame, sizeof frame);
      log.filled(sizeof frame);
      const auto accepted = static_cast<std::uint64_t>(time.now.count());
      REQUIRE(log.add_run(sizeof frame, 1, accepted, 1, {&set, 1}));
      ++delivery->edit_tally().matched;
      keeping.commit();
    }
  }
  void make_output() {
    const plugin::FifoOutputRequest request{folder / "out", 0600, true, true};
    out = std::make_unique<deliver::Output>(request, senders.needs(quiet, 64 * KiB, 64 * KiB));
    out->attach(keeping, link, 0);
  }
  // Messages first .. last - 1 were given out, and are to be redelivered; those before are final.
  void redeliver(std::uint32_t first, std::uint32_t last, Nanoseconds due = Nanoseconds(0)) {
    const auto place = [](std::uint32_t i) { return log::Cursor{{i * 5u}, {i + 1u}}; };
    const auto given = delivery->next().sequence.number - 1;
    delivery->give_out({delivery->next(), place(last), last - given});
    if (given < first) {
      delivery->edit_tally().delivered += first - given;
      delivery->finish({place(static_cast<std::uint32_t>(given)), place(first), first - given});
    }
    delivery->redeliver({{place(first), place(last), last - first}}, due);
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
  // Batches are with other handlers that may all become entries.
  void fill_output() {
    while (out->accepts()) out->expect();
  }
  // Steps until nothing is left to do now, at most `most` times, checking the account each time.
  void advance(int most = 100) {
    while (most-- > 0 && loop->advance(time.now)) delivery->check_invariants();
    delivery->check_invariants();
  }
  // The same, with the hands of the clock turned to whenever it wants to be woken.
  void run() {
    for (int i = 0; i < 100; ++i) {
      advance();
      if (!loop->wake_at()) return;
      time.now = std::max(time.now, *loop->wake_at());
    }
  }
  const deliver::Tally& tally() const { return delivery->tally(); }

  deliver::Output* open(const plugin::FifoOutputRequest& request, std::string& why) override {
    return out ? out.get() : Needs::open(request, why);
  }

  // Letters are written by a thread of the test's own, when it says so.
  bool post(const std::shared_ptr<deliver::LetterJob>& letters) override {
    if (!writes_later) return Needs::post(letters);
    job = letters;
    return true;
  }
  void push(deliver::HandlerLoop&) override { ++told; }
  void write_letters() {
    job->finish(write(job->letters));
    job.reset();
    REQUIRE(std::exchange(told, 0) == 1);
    loop->on_completed(time.now);
  }
  bool writes_later = false;
  int told = 0;
  std::shared_ptr<deliver::LetterJob> job;

  test::Scripted scripted;
  test::ManualClock time;
  state::Memory keeping;
  log::Arena arena;
  log::Log log;
  test::TemporaryFolder folder;
  keeper::Link link = keeper::Link::none();
  test::Senders senders{[this](auto) -> deliver::Delivery& { return *delivery; }};
  std::unique_ptr<deliver::Output> out;
  std::unique_ptr<deliver::HandlerLoop> loop;
  deliver::Delivery* delivery = nullptr;
};

using Seen = std::vector<std::string>;

// Of a test that began at that time.
std::string first_pause(Nanoseconds now = 1s) {
  deliver::HandlerOptions options;
  options.name = "it";
  return duration_text(std::chrono::ceil<std::chrono::milliseconds>(options.pause(1, now)));
}

}  // namespace

TEST_CASE("outcomes of one batch are settled each for itself") {
  Fixture f;
  f.append(4);
  f.scripted.script = {"DFJD"};
  f.run();
  CHECK(f.tally().delivered == 2);
  CHECK(f.tally().filtered == 1);
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.tally().dead_by[0] == 1);
  CHECK(f.dead_lettered == Seen{"3 it gave no reason"});
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE(
    "all letters of a batch are kept at once, with the reason that the plugin gave, before "
    "anything is settled") {
  Fixture f(1);
  f.append(5);
  f.scripted.reason = "db down";
  f.scripted.script = {"JDRJJ"};
  f.run();
  CHECK(f.puts == std::vector<std::size_t>{4});
  CHECK(f.dead_lettered == Seen{"1 its plugin gave no reason for this message",
                                "3 its plugin gave no reason for this message", "4 db down",
                                "5 db down"});
  CHECK(f.tally().dead_by[0] == 3);
  CHECK(f.tally().dead_by[1] == 1);
}

TEST_CASE("a dead letter has its message's metadata") {
  Fixture f;
  f.append(1);
  REQUIRE(test::append_described(f.log, std::string("\1\0\0\0x", 5), {{"key", "k2"}}, 1, 1));
  ++f.delivery->edit_tally().matched;
  f.keeping.commit();
  f.append(1);
  f.scripted.script = {"JJJ"};
  f.run();
  CHECK(f.tally().dead_lettered == 3);
  CHECK(f.metadata == Seen{"", "key=k2", ""});
}

TEST_CASE("what cannot be kept waits, and is lost in no case") {
  Fixture f;
  f.append(3);
  f.disk_is_full = true;
  f.scripted.script = {"DJD", "J", "J"};
  f.advance();
  CHECK(f.tally().delivered == 2);
  CHECK(f.delivery->in_flight() == 1);
  CHECK(f.quiet.reported == Seen{"it: no space; 1 message of in waits until it can be kept"});
  f.time.now = f.loop->wake_at().value();
  f.advance();
  CHECK(f.delivery->in_flight() == 1);
  f.disk_is_full = false;
  f.time.now = f.loop->wake_at().value();
  f.advance();
  CHECK(f.dead_lettered.size() == 1);
  CHECK(f.delivery->in_flight() == 0);
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "2 a1", "2 a1"});
}

TEST_CASE("without a place for letters what is rejected is dropped, counted and reported") {
  Fixture f;
  f.keeps_letters = false;
  f.append(1);
  f.scripted.script = {"J"};
  f.run();
  CHECK(f.dead_lettered.empty());
  CHECK(f.tally().dropped[static_cast<std::size_t>(deliver::Reason::rejected)] == 1);
}

TEST_CASE("the first retry is reported with its reason, and those that follow less often") {
  Fixture f(0);
  f.append(1);
  f.scripted.reason = "db down";
  f.scripted.script.assign(20, "R");
  f.run();
  REQUIRE(f.quiet.reported.size() >= 2);
  CHECK(f.quiet.reported.size() <= 6);
  CHECK(f.quiet.reported[0] == "it: 1 message of in failed (attempt 1), and is tried again in " +
                                   first_pause() + ": db down");
}

TEST_CASE("with the defaults a message that fails is tried for more than five minutes") {
  Fixture f(deliver::HandlerOptions{}.attempts_max);
  f.append(1);
  f.scripted.script.assign(100, "R");
  const auto began = f.time.now;
  f.time.jumps = GENERATE(Nanoseconds(0), Nanoseconds(24h * 365));
  f.run();
  CHECK(f.time.now - began > 5min);
  CHECK(f.time.now - began < 1h);
  CHECK(f.tally().dead_by[1] == 1);
}

TEST_CASE(
    "two retries with a delivered one between are redelivered one by one, and the delivered one is "
    "not") {
  for (const std::string second : {"D", "XD", "X", "R"}) {
    Fixture f;
    f.append(3);
    f.scripted.script = {"RDR", second};
    f.run();
    CHECK(f.tally().delivered == 3);
    CHECK(f.delivery->in_flight() == 0);
    for (std::size_t i = 1; i < f.scripted.seen.size(); ++i)
      CHECK(f.scripted.seen[i].find('2') != 0);
  }
}

TEST_CASE("a message that is retried is not overtaken by those after it that are retried too") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"RRR", "R", "R"};
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "1,2,3 a2", "1 a3", "1 a4", "2,3 a2"});
}

TEST_CASE("what was not processed is redelivered, and no attempt is counted") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"D", "XD"};
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "2,3 a1", "3 a1"});
  CHECK(f.tally().delivered == 3);
}

TEST_CASE("a plugin that answers OK and processed nothing is asked again later, not at once") {
  Fixture f;
  f.append(1);
  f.scripted.script = {"", "", "D"};
  f.advance();
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
    f.advance();
    if (!f.loop->wake_at()) break;
    pauses.push_back(*f.loop->wake_at() - f.time.now);
    f.time.now = *f.loop->wake_at();
  }
  REQUIRE(pauses.size() == 3);
  for (unsigned i = 0; i < 3; ++i) {
    const auto longest = deliver::HandlerOptions().backoff(i + 1);
    CHECK(pauses[i] <= longest);
    CHECK(pauses[i] > longest * 3 / 4);
  }
  CHECK(f.tally().delivered == 1);
}

TEST_CASE(
    "a plugin that sends to an output it does not have is asked again, and ends with its "
    "attempts") {
  Fixture f(2);
  f.append(1);
  f.scripted.script = {"S", "S"};
  f.run();
  CHECK(f.tally().dead_by[1] == 1);
  CHECK(f.dead_lettered.size() == 1);
}

TEST_CASE("a plugin that takes messages, and does not say that it can, is told: they are retried") {
  Fixture f(2);
  f.scripted.needs_minor(0);
  f.append(2);
  f.scripted.script = {"TD", "T"};
  f.run();
  const std::string why =
      "its plugin took it to settle it later, which is of minor version 1 of the plugin interface, "
      "and the plugin says that it needs no more than 0";
  CHECK(f.quiet.reported.at(0) ==
        "it: 1 message of in failed (attempt 1 of 2), and is tried again in " + first_pause() +
            ": " + why);
  CHECK(f.dead_lettered == Seen{"1 " + why});
  CHECK(f.tally().delivered == 1);
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("what a handler waits for, or is held for, can be asked") {
  Fixture f;
  f.append(2);
  f.scripted.reason = "db down";
  f.scripted.script = {"XD", "R"};
  CHECK(f.loop->state(f.time.now).name == "opening");
  f.advance(2);
  CHECK(f.loop->state(f.time.now).reason == "db down (tried 1 time)");
  f.time.now += 1s;
  f.advance();
  CHECK(f.loop->state(f.time.now).name == "retrying");
  CHECK(f.loop->state(f.time.now).reason == "db down");
  f.run();
  CHECK(f.loop->state(f.time.now).name == "ready");
  CHECK(f.loop->state(f.time.now).phase.empty());
}

TEST_CASE("any outcomes in any order leave the account closed and every message settled") {
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

// A plugin that adds an output and asks in open that everything goes to that number; what it was
// told.
std::uint32_t ask_for_all(const standpipe_host& host, std::uint32_t number) {
  const auto* power = static_cast<const standpipe_output*>(host.extension(
      host.self, {STANDPIPE_OUTPUT_EXTENSION, sizeof STANDPIPE_OUTPUT_EXTENSION - 1}));
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
  f.advance();
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
  f.redeliver(1, 2);
  f.redeliver(3, 5);
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.advance();
  CHECK(f.scripted.seen.empty());
  CHECK(f.sent() == "bdef");
  CHECK_FALSE(f.keeping.pending());
}

TEST_CASE("what waits for its retry is not sent early, nor is anything after it") {
  Fixture f;
  f.make_output();
  f.append(2);
  f.redeliver(0, 1, 5s);
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.advance();
  CHECK(f.out->idle());
  CHECK(f.loop->wake_at() == 5s);
  f.run();
  CHECK(f.sent() == "ab");
}

TEST_CASE("a full output keeps what is sent without asking in its log") {
  Fixture f;
  f.make_output();
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.advance();
  f.fill_output();
  f.append(1);
  const auto next = f.delivery->next();
  f.advance();
  CHECK(f.delivery->next() == next);
  CHECK(f.loop->waits_for_output());
}

TEST_CASE(
    "while something sent may come back, nothing is given that has no room to come back, too") {
  Fixture f;
  f.make_output();
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.append(1);
  f.advance();
  REQUIRE(f.out->pending() == 1);
  constexpr std::uint32_t kMany = deliver::Redeliveries::kMax - 2 * kBatchMessages;
  f.append(2 * kMany);
  for (std::uint32_t i = 0; i < kMany; ++i) f.redeliver(2 * i + 1, 2 * i + 2);
  f.advance();
  CHECK(f.loop->waits_for_output());
  CHECK(f.out->pending() == 1);
  f.delivery->redeliveries().pop_front();  // only that the test ends: it is in nobody's hands now
  f.advance(1);
  CHECK_FALSE(f.loop->waits_for_output());
  CHECK(f.out->pending() == 2);
}

TEST_CASE("of a queue that drops its output has a half at most, while it has something to take") {
  Fixture f(5, Nanoseconds(0),
            {.type = deliver::QueueOptions::Type::memory,
             .messages_max = 6,
             .when_full = deliver::QueueOptions::WhenFull::drop_oldest});
  f.make_output();
  f.scripted.on_open = [](const auto& host) { ask_for_all(host, 1); };
  f.append(10);
  f.advance();
  CHECK(f.loop->waits_for_output());
  CHECK(f.delivery->next().sequence.number == 4);
}

TEST_CASE("of a queue that drops its plugin has a half at most") {
  Fixture f(5, Nanoseconds(0),
            {.type = deliver::QueueOptions::Type::memory,
             .messages_max = 6,
             .when_full = deliver::QueueOptions::WhenFull::drop_newest});
  f.append(10);
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "4,5,6 a1", "7,8,9 a1", "10 a1"});
}

TEST_CASE("everything to an output that there is not is refused, and the handler is asked") {
  Fixture f;
  f.scripted.on_open = [](const auto& host) { CHECK(ask_for_all(host, 1) == 0); };
  f.append(2);
  f.advance();
  CHECK(f.scripted.seen == Seen{"1,2 a1"});
}

TEST_CASE("a handler that was released goes on with the message that it was held at") {
  Fixture f;
  f.append(3);
  f.advance(1);  // opens
  f.loop->pause("held by a person");
  f.advance();
  CHECK(f.scripted.seen.empty());
  CHECK(f.delivery->in_flight() == 3);
  f.loop->release();
  f.advance();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1"});
  CHECK(f.tally().delivered == 3);
}

TEST_CASE("a held handler's next message is passed over: it is dead-lettered, and no other is") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"R"};
  f.advance();
  f.loop->pause("held by a person");
  CHECK(f.loop->skip(*f.delivery, "it is not wanted", f.time.now));  // the one that failed
  CHECK(f.loop->skip(*f.delivery, "nor this one", f.time.now));      // the one after it
  f.delivery->check_invariants();
  CHECK(f.dead_lettered == Seen{"1 it is not wanted", "2 nor this one"});
  CHECK(f.tally().dead_lettered == 2);
  f.loop->release();
  f.run();
  CHECK(f.tally().delivered == 1);
  CHECK(f.scripted.seen.back() == "3 a1");
  CHECK_THROWS_WITH(f.loop->skip(*f.delivery, "there is none", f.time.now),
                    "no message of in waits for it");
}

TEST_CASE("a message that cannot be kept as a dead letter is not passed over") {
  Fixture f;
  f.append(1);
  f.advance(1);
  f.loop->pause("held by a person");
  f.disk_is_full = true;
  CHECK_THROWS_WITH(f.loop->skip(*f.delivery, "why", f.time.now),
                    Catch::Contains("it is not skipped"));
  f.delivery->check_invariants();
  CHECK(f.tally().dead_lettered == 0);
  f.disk_is_full = false;
  f.loop->release();
  f.run();
  CHECK(f.tally().delivered == 1);
}

TEST_CASE("while letters are written nothing is settled, and the handler makes no other call") {
  Fixture f;
  f.writes_later = true;
  f.append(3);
  f.scripted.script = {"DJD"};
  f.advance();
  REQUIRE(f.job);
  CHECK(f.loop->in_call());
  CHECK(f.loop->waits_for_letters());
  CHECK_FALSE(f.loop->drained());
  CHECK(f.delivery->in_flight() == 3);  // its call's record has them
  f.append(1);
  f.advance();
  CHECK(f.scripted.seen.size() == 1);
  f.write_letters();
  CHECK(f.dead_lettered.size() == 1);
  CHECK(f.tally().delivered == 2);
  CHECK(f.tally().dead_lettered == 1);
  f.advance();
  CHECK(f.tally().delivered == 3);
}

TEST_CASE("letters that cannot be written keep their messages, and those are tried again") {
  Fixture f;
  f.writes_later = true;
  f.disk_is_full = true;
  f.append(2);
  f.scripted.script = {"JD", "J"};
  f.advance();
  f.write_letters();
  CHECK(f.tally().delivered == 1);
  CHECK(f.delivery->in_flight() == 1);
  f.disk_is_full = false;
  f.run();
  f.write_letters();
  f.delivery->check_invariants();
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("a slow disk is not blamed on the plugin") {
  Fixture f;
  f.writes_later = true;
  f.append(1);
  f.scripted.script = {"J"};
  f.advance();
  CHECK(f.keeping.watches()[0].call % 2 == 0);  // the keeper sees no call
  CHECK(f.loop->state(f.time.now).phase.empty());
  f.time.now += 1min;
  f.loop->remind_of_call(f.time.now);
  CHECK_THAT(f.quiet.reported.back(), Catch::Contains("is not written as dead letters since 60s") ||
                                          Catch::Contains("since 1m"));
  f.write_letters();
}

TEST_CASE("an outage of an hour counts no attempt, makes no dead letter, and keeps the order") {
  Fixture f(2);  // attempts
  f.append(3);
  f.scripted.script.assign(1000, "X");  // each call finds the connection lost
  f.advance(2);
  const auto until = f.time.now + 1h;
  while (f.time.now < until) {
    f.advance();
    REQUIRE(f.loop->wake_at());
    f.time.now = std::max(f.time.now + 1ms, *f.loop->wake_at());
  }
  CHECK(f.scripted.seen.size() > 100);
  CHECK(f.scripted.seen.back() == "1,2,3 a1");
  CHECK(f.dead_lettered.empty());
  CHECK(f.delivery->in_flight() == 3);
  f.scripted.script.clear();
  f.run();
  CHECK(f.scripted.seen.back() == "1,2,3 a1");
  CHECK(f.tally().delivered == 3);
}

TEST_CASE("order is kept while a message is tried again") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"DR", "R", "D"};
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1", "2 a2", "2 a3", "3 a1"});
  CHECK(f.tally().delivered == 3);
}

TEST_CASE("a message that is too old is not tried again") {
  Fixture f(0, 1h);
  f.append(2);
  f.scripted.script.assign(1000, "R");
  f.scripted.reason = "db down";
  f.advance(2);
  f.time.now += 59min;
  f.advance();
  CHECK(f.dead_lettered.empty());
  f.time.now += 2min;
  f.advance();
  CHECK(f.dead_lettered.size() == 2);
  CHECK(f.dead_lettered[0].starts_with("1 it is older than 1h: "));
  CHECK(f.tally().dead_lettered == 2);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("what is too old waits for no plugin that cannot be reached, and what is not goes on") {
  Fixture f(5, 1h);
  f.append(2);
  f.scripted.script.assign(1000, "X");
  f.advance(2);
  f.time.now += 30min;
  f.append(1);
  f.time.now += 31min;
  f.advance(1);
  CHECK(f.dead_lettered == Seen{"1 it is older than 1h: nobody had it by then",
                                "2 it is older than 1h: nobody had it by then"});
  CHECK(f.delivery->in_flight() == 1);
  f.scripted.script.clear();
  f.run();
  CHECK(f.tally().delivered == 1);
  CHECK(f.scripted.seen.back() == "3 a1");
  CHECK(f.tally().dead_by[5] == 2);  // expired
}

TEST_CASE("a held handler's messages do not grow too old before a person acts") {
  Fixture f(5, 1h);
  f.append(1);
  f.advance(1);
  f.loop->pause("held by a person");
  f.time.now += 2h;
  f.advance();
  CHECK(f.dead_lettered.empty());
  f.loop->release();
  f.advance();
  CHECK(f.dead_lettered.size() == 1);
}

// ---- messages that a plugin takes, to settle them later

TEST_CASE("messages that are taken stay in flight until they are settled, in any order") {
  Fixture f;
  f.append(4);
  f.scripted.script = {"TDTT"};
  f.advance();
  CHECK(f.tally().delivered == 1);
  CHECK(f.delivery->in_flight() == 3);
  f.scripted.settle(0, 3, 1, STANDPIPE_DELIVERED);
  CHECK(f.told == 1);
  f.advance();
  CHECK(f.tally().delivered == 2);
  f.scripted.settle(0, 0, 3, STANDPIPE_FILTERED);  // the one between was delivered
  f.advance();
  CHECK(f.tally().filtered == 2);
  CHECK(f.delivery->in_flight() == 0);
  CHECK(f.delivery->settled() == f.log.end());
  CHECK(f.scripted.seen == Seen{"1,2,3,4 a1"});
}

TEST_CASE("a handler says how many messages its plugin has taken, and since when") {
  Fixture f;
  f.append(4);
  f.scripted.script = {"TDTT"};
  f.advance();
  const auto took = f.time.now;
  CHECK(f.loop->state(took + 5s).taken == 3);
  CHECK(f.loop->state(took + 5s).oldest_taken == 5s);
  CHECK(f.loop->state(took - 5s).oldest_taken == 0s);
  f.scripted.settle(0, 2, 1, STANDPIPE_DELIVERED);
  f.advance();
  CHECK(f.loop->state(took).taken == 2);
  f.scripted.settle(0, 0, 4, STANDPIPE_DELIVERED);
  f.advance();
  CHECK(f.loop->state(took + 5s).taken == 0);
  CHECK(f.loop->state(took + 5s).oldest_taken == 0s);
}

// A deque that is longer than the undo log remembers lines was saved anew by each insertion at its
// front, until there was no room.
TEST_CASE("messages that fail one by one find room before thousands that are to be redelivered") {
  Fixture f;
  constexpr unsigned kAlternating = 13;
  f.append((1 + kAlternating) * kBatchMessages);
  std::string alternating;
  for (unsigned i = 0; i < kBatchMessages; i += 2) alternating += "DT";
  f.scripted.script = {std::string(kBatchMessages, 'T')};
  f.scripted.script.resize(1 + kAlternating, alternating);
  f.advance();
  REQUIRE(f.loop->state(f.time.now).taken == kBatchMessages + kAlternating * kBatchMessages / 2);
  f.loop->pause("a person wants all of it back");
  f.advance();
  CHECK(f.delivery->redeliveries().size() == 1 + kAlternating * kBatchMessages / 2);
  f.loop->release();
  std::string failing;
  for (unsigned i = 0; i < kBatchMessages; i += 2) failing += "RD";
  f.scripted.script = {failing};
  f.advance();
  CHECK(f.delivery->redeliveries().size() == (1 + kAlternating) * kBatchMessages / 2);
  f.time.now += 1min;
  f.advance(10'000);
  CHECK(f.tally().delivered == (1 + kAlternating) * kBatchMessages);
}

TEST_CASE("a ticket that is not known, or a message that is not taken, is ignored") {
  Fixture f;
  f.append(2);
  f.scripted.script = {"TD"};
  f.advance();
  f.scripted.tickets.push_back(f.scripted.tickets[0] + 1);
  f.scripted.settle(1, 0, 2, STANDPIPE_REJECT);
  f.scripted.settle(0, 1, 100, STANDPIPE_REJECT);
  f.scripted.settle(0, UINT32_MAX, UINT32_MAX, STANDPIPE_REJECT);
  f.advance();
  CHECK(f.delivery->in_flight() == 1);
  f.scripted.settle(0, 0, UINT32_MAX, STANDPIPE_DELIVERED);
  f.scripted.settle(0, 0, 1, STANDPIPE_REJECT);  // it is settled
  f.advance();
  CHECK(f.tally().delivered == 2);
}

TEST_CASE("a message may be settled before the call that takes it has come back") {
  Fixture f;
  f.append(2);
  f.scripted.script = {"TT"};
  f.scripted.on_handle = [&] { f.scripted.settle(0, 0, 2, STANDPIPE_DELIVERED); };
  f.advance();
  CHECK(f.tally().delivered == 2);
}

TEST_CASE("a taken message that is retried counts an attempt, and ends with the last one") {
  Fixture f(2);
  f.append(3);
  f.scripted.script = {"TTT", "T", "TT"};
  f.advance();
  f.scripted.settle(0, 1, 1, STANDPIPE_RETRY, "it is away");
  f.advance();
  CHECK(f.scripted.seen == Seen{"1,2,3 a1"});  // not before the pause
  CHECK(f.quiet.reported.back().find("it is away") != std::string::npos);
  f.run();
  CHECK(f.scripted.seen.back() == "2 a2");
  f.scripted.settle(1, 0, 1, STANDPIPE_RETRY, "it is away still");
  f.advance();
  CHECK(f.dead_lettered == Seen{"2 it is away still"});
  f.scripted.settle(0, 0, 3, STANDPIPE_DELIVERED);
  f.advance();
  CHECK(f.tally().delivered == 2);
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("taken messages that are rejected keep each its reason") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"TTT"};
  f.advance();
  f.scripted.settle(0, 0, 1, STANDPIPE_REJECT, "too old");
  f.scripted.settle(0, 1, 1, STANDPIPE_REJECT, "too new");
  f.scripted.settle(0, 2, 1, STANDPIPE_REJECT);
  f.advance();
  CHECK(f.dead_lettered == Seen{"1 too old", "2 too new", "3 it gave no reason"});
  CHECK(f.delivery->in_flight() == 0);
}

TEST_CASE("while letters of taken messages are written, nothing else of the handler moves") {
  Fixture f;
  f.append(2);
  f.scripted.script = {"TT"};
  f.advance();
  f.writes_later = true;
  f.scripted.settle(0, 0, 1, STANDPIPE_REJECT, "no");
  f.scripted.settle(0, 1, 1, STANDPIPE_DELIVERED);
  f.told = 0;
  f.append(1);
  f.advance();
  CHECK(f.loop->in_call());
  CHECK_FALSE(f.loop->drained());
  CHECK(f.delivery->in_flight() == 3);
  f.write_letters();
  f.advance();
  CHECK(f.tally().dead_lettered == 1);
  CHECK(f.tally().delivered == 2);
  CHECK(f.scripted.seen.size() == 2);
}

TEST_CASE("outcomes that a taken message cannot have are a retry that says so") {
  Fixture f(1);
  f.append(2);
  f.scripted.script = {"TT"};
  f.advance();
  f.scripted.settle(0, 0, 1, STANDPIPE_SEND);
  f.scripted.settle(0, 1, 1, 99, "own");
  f.advance();
  CHECK(f.dead_lettered ==
        Seen{"1 its plugin settled it with outcome 4, which is none of a message that was taken",
             "2 its plugin settled it with outcome 99, which is none of a message that was taken"});
}

TEST_CASE(
    "outcomes that come while many others are settled are settled, too, though nobody wakes") {
  Fixture f;
  f.append(1000);
  f.scripted.script = {std::string(1000, 'T')};
  f.advance();
  f.told = 0;
  const auto settle = [&](std::uint32_t first, std::uint32_t last) {
    for (auto i = last; i > first; --i) f.scripted.settle(0, i - 1, 1, STANDPIPE_DELIVERED);
  };
  settle(400, 1000);
  CHECK(f.told == 1);
  f.loop->on_completed(f.time.now);
  settle(0, 400);
  CHECK(f.told == 2);
  f.loop->on_completed(f.time.now);
  while (f.loop->advance(f.time.now)) f.delivery->check_invariants();
  CHECK(f.tally().delivered == 1000);
}

TEST_CASE("a plugin that settles nothing is given no more than it can have taken") {
  Fixture f;
  f.scripted.script.assign(20, std::string(kBatchMessages, 'T'));
  f.append(10 * kBatchMessages);
  f.advance();
  const auto taken = f.delivery->in_flight() - f.log.count_from(f.delivery->next(), 0);
  CHECK(taken == deliver::TakenMessages::kMessagesMax);
  CHECK_FALSE(f.loop->waits_for_output());
  f.scripted.settle(0, 0, 1, STANDPIPE_DELIVERED);
  f.advance();
  CHECK(f.scripted.seen.size() == 8);
  f.scripted.settle(0, 1, kBatchMessages, STANDPIPE_DELIVERED);
  f.advance();
  CHECK(f.scripted.seen.size() == 9);
}

TEST_CASE("what a plugin has taken when it is disconnected is redelivered, in its order") {
  Fixture f;
  f.append(5);
  f.scripted.script = {"TTTTT", "X"};
  f.advance();
  f.scripted.settle(0, 1, 1, STANDPIPE_DELIVERED);
  f.append(1);
  f.scripted.on_close = [&] { f.scripted.settle(0, 3, 1, STANDPIPE_DELIVERED); };
  f.run();
  CHECK(f.scripted.seen == Seen{"1,2,3,4,5 a1", "6 a1", "1 a1", "3 a1", "5 a1", "6 a1"});
  CHECK(f.tally().delivered == 6);
  f.scripted.settle(0, 0, 5, STANDPIPE_REJECT);  // of an earlier open
  f.run();
  CHECK(f.delivery->in_flight() == 0);
  CHECK(f.dead_lettered.empty());
}

TEST_CASE("a handler that is held has taken nothing") {
  Fixture f;
  f.append(2);
  f.scripted.script = {"TT"};
  f.advance();
  f.scripted.settle(0, 0, 1, STANDPIPE_DELIVERED);
  f.loop->pause("a person says so");
  CHECK(f.tally().delivered == 1);
  CHECK(f.delivery->has_all());  // so that it can go to the disk
  f.loop->release();
  f.advance();
  CHECK(f.scripted.seen == Seen{"1,2 a1", "2 a1"});
}

TEST_CASE("a message that is taken for longer than the timeout has failed") {
  Fixture f(2, Nanoseconds(0), {}, 10s);
  f.append(1);
  f.scripted.script = {"T", "T"};
  f.advance();
  CHECK(f.loop->wake_at() == f.time.now + 10s);
  f.time.now += 10s;
  f.advance();
  CHECK(f.quiet.reported.back().find("did not settle it within 10s") != std::string::npos);
  f.run();
  CHECK(f.scripted.seen == Seen{"1 a1", "1 a2"});
  CHECK(f.dead_lettered == Seen{"1 its plugin took it and did not settle it within 10s"});
}

TEST_CASE("at the end a plugin that has taken messages is asked to flush, and has time to settle") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"TTT"};
  f.advance();
  CHECK(f.loop->drained());  // but for what it has taken
  int flushes = 0, closes = 0;
  f.scripted.on_flush = [&] { ++flushes; };
  f.scripted.on_close = [&] { ++closes; };
  f.loop->want_close(f.time.now + 8s);
  f.advance();
  CHECK(flushes == 1);
  CHECK(closes == 0);
  f.scripted.settle(0, 0, 1, STANDPIPE_DELIVERED);
  f.advance();
  CHECK(f.tally().delivered == 1);
  CHECK(f.loop->wake_at() == f.time.now + 6s);

  SECTION("when all is settled it is closed") {
    f.scripted.settle(0, 1, 2, STANDPIPE_DELIVERED);
    f.advance();
    CHECK(f.loop->closed());
    CHECK(f.delivery->in_flight() == 0);
  }
  SECTION("shortly before the deadline it is closed, and the rest is saved") {
    f.time.now += 6s;
    f.advance();
    CHECK(f.loop->closed());
    CHECK(f.delivery->in_flight() == 2);
    CHECK(f.delivery->has_all());
  }
  CHECK(flushes == 1);
  CHECK(closes == 1);
}

TEST_CASE("a rejected message's reason is its own, whatever else happens in its batch") {
  Fixture f;
  f.append(3);
  f.scripted.script = {"JRJ"};
  f.scripted.notes = {{0, "too old"}, {2, "too new"}};
  f.scripted.reason = "not now";
  f.advance();
  CHECK(f.dead_lettered == Seen{"1 too old", "3 too new"});
  CHECK(f.quiet.reported.at(1).find("not now") != std::string::npos);
}

// ---- the clock

TEST_CASE("a plugin is called by the clock: first when it is open, then when it asked for it") {
  Fixture f;
  std::vector<std::uint64_t> ticks;
  const auto ns = [](Nanoseconds time) { return static_cast<std::uint64_t>(time.count()); };
  const auto start = f.time.now;
  f.scripted.ticks([&](auto now, auto& next) {
    CHECK(next == UINT64_MAX);
    ticks.push_back(now);
    if (ticks.size() < 3) next = now + ns(10s);
    return STANDPIPE_OK;
  });
  f.advance();
  CHECK(ticks == std::vector{ns(start)});
  CHECK(f.loop->wake_at() == start + 10s);
  f.time.now += 9s;
  f.append(1);
  f.advance();
  CHECK(ticks.size() == 1);
  CHECK(f.tally().delivered == 1);
  f.run();
  CHECK(ticks == std::vector{ns(start), ns(start + 10s), ns(start + 20s)});
  CHECK_FALSE(f.loop->wake_at());  // never again
}

TEST_CASE("a tick comes soon after the plugin asked for it, once, and again if it asks meanwhile") {
  Fixture f;
  int ticks = 0;
  bool asks = false;
  f.scripted.ticks([&](auto, auto&) {
    ++ticks;
    if (std::exchange(asks, false)) f.scripted.wake();
    return STANDPIPE_OK;
  });
  f.run();
  CHECK(ticks == 1);
  CHECK_FALSE(f.loop->wake_at());
  f.time.now += 1s;
  f.scripted.wake();
  f.scripted.wake();
  f.run();
  CHECK(ticks == 2);
  f.time.now += 1s;
  asks = true;
  f.scripted.wake();
  f.run();
  CHECK(ticks == 4);
  f.scripted.wake();  // so that it takes no processor, whatever it does
  f.advance();
  CHECK(ticks == 4);
  CHECK(f.loop->wake_at() == f.time.now + 1ms);
}

TEST_CASE("a tick that asks for the past is called again a little later, and messages move on") {
  Fixture f;
  int ticks = 0;
  f.scripted.ticks([&](auto, auto& next) {
    ++ticks;
    next = 0;
    return STANDPIPE_OK;
  });
  f.append(1);
  f.advance();
  CHECK(ticks == 1);
  CHECK(f.tally().delivered == 1);
  CHECK(f.loop->wake_at() == f.time.now + 1ms);
}

TEST_CASE("a tick may say that the connection is lost, or that only a person can help") {
  std::uint32_t answer = STANDPIPE_DISCONNECTED;
  int ticks = 0, closes = 0;  // also while the fixture ends
  Fixture f;
  f.scripted.ticks(
      [&](auto, auto&) { return ++ticks == 1 ? answer : std::uint32_t{STANDPIPE_OK}; });
  f.scripted.on_close = [&] { ++closes; };
  f.run();
  CHECK(closes == 1);
  CHECK(ticks == 2);  // the new connection's first one
  CHECK(f.loop->ready());
  ticks = 0;
  answer = STANDPIPE_FATAL;
  f.loop->pause("to be opened anew");
  f.loop->release();
  f.scripted.ticks([&](auto, auto&) { return STANDPIPE_FATAL; });
  f.scripted.script = {"X"};
  f.append(1);
  f.run();
  CHECK(f.loop->held());
}
