// SPDX-License-Identifier: Apache-2.0
#include "worker/overflow_policy.h"

#include <fcntl.h>
#include <standpipe/plugin.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "deliver/fifo_kit.h"
#include "old_overflow.h"
#include "worker/commit_killer.h"
#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::HubKit;

namespace {

using Texts = std::vector<std::string>;

// A plugin whose open answers as it is told, and that writes down what it is given; or sends all of
// it to a FIFO.
class Away : public test::PluginInside {
 public:
  Away()
      : PluginInside("away", {sizeof(standpipe_handler), STANDPIPE_INLINE, create, open, handle,
                              nullptr, close, destroy, nullptr, nullptr}) {
    current() = this;
  }
  std::uint32_t opens_with = STANDPIPE_OK;
  std::string fifo;  // empty: none
  Texts got;

 private:
  static Away*& current() {
    static Away* it = nullptr;
    return it;
  }
  static std::uint32_t create(const standpipe_host* host, const standpipe_config*, void** self,
                              standpipe_reason*) {
    current()->host_ = host;
    *self = current();
    return STANDPIPE_OK;
  }
  static std::uint32_t open(void* self, standpipe_reason*) {
    auto& it = *static_cast<Away*>(self);
    if (it.opens_with != STANDPIPE_OK || it.fifo.empty()) return it.opens_with;
    const auto output = test::add_fifo(*it.host_, it.fifo);
    const auto* power = static_cast<const standpipe_output*>(it.host_->extension(
        it.host_->self, {STANDPIPE_OUTPUT_EXTENSION, sizeof STANDPIPE_OUTPUT_EXTENSION - 1}));
    REQUIRE(power->send_all(it.host_->self, output) == 1);
    return STANDPIPE_OK;
  }
  static std::uint32_t handle(void* self, const standpipe_batch* batch, standpipe_result*) {
    auto& it = *static_cast<Away*>(self);
    for (std::uint32_t i = 0; i < batch->count; ++i) {
      const auto& m = message(*batch, i);
      it.got.emplace_back(reinterpret_cast<const char*>(m.data), m.size);
    }
    return STANDPIPE_OK;
  }
  static void close(void*) {}
  static void destroy(void*) {}

  const standpipe_host* host_ = nullptr;
};

Texts numbers(int first, int last) {
  Texts all;
  for (int i = first; i < last; ++i) all.push_back(std::to_string(i));
  return all;
}

// A source with a small log, one handler that takes all, and one that is away.
class Fixture : public HubKit {
 public:
  Fixture() { options.sources[0].log_size_max = kLogSizeLeast; }
  ~Fixture() { test::CommitKiller::disarm(); }
  void start() {
    end();
    link = keeper.start();
    hub = std::make_unique<worker::Hub>(options, clock, reporter, *link);
    (void)hub->start(5s);
  }
  void stop() {
    keeper.want_stop(), keeper.want_stop();
    hub->run();
    end();
    keeper.forget_all();
  }
  void round() {
    keeper.say("ping", "");  // so that there is something to wait for
    hub->round();
  }
  // Steps until that is so, for as long as a disk may take.
  bool wait_until(const std::function<bool()>& done, Nanoseconds most = 20s) {
    const auto end = std::chrono::steady_clock::now() + most;
    for (bool is_done = done();; is_done = done()) {
      if (is_done || std::chrono::steady_clock::now() >= end) return is_done;
      round();
    }
  }
  // Messages of a kilobyte, that begin with their numbers, up to that one. Returns how many there
  // are when the FIFO is full, and stays so.
  int send_until(int last, Nanoseconds most = 20s) {
    const auto send_one = [&] {
      return try_send(std::to_string(sent) + std::string(1000, ' ')) && ++sent;
    };
    while (sent < last && wait_until(send_one, most)) continue;
    return sent;
  }
  int send_what_goes(int last) { return send_until(last, 50ms); }
  bool until_delivered(int count) {
    return wait_until([&] { return delivered() == static_cast<std::uint64_t>(count); });
  }
  std::optional<worker::QueueState> overflow() const {
    for (auto& queue : hub->queues())
      if (queue.overflows_since) return queue;
    return std::nullopt;
  }
  // Steps until the handler that was away has so many.
  bool until_got(int count) {
    return wait_until([&] { return away.got.size() >= static_cast<std::size_t>(count); });
  }
  Texts got() const {
    Texts all;
    for (const auto& text : away.got) all.push_back(text.substr(0, text.find(' ')));
    return all;
  }
  void wait(Nanoseconds time) {
    for (int i = 0; i < 5; ++i) round();
    clock.ahead += time;
    for (int i = 0; i < 5; ++i) round();
  }

  Away away;
  int sent = 0;
};

constexpr Nanoseconds kLong = worker::OverflowPolicy::kAwayAfter + 1ms;

// With a forward to a FIFO.
class Forwarding : public Fixture {
 public:
  Forwarding() {
    away.fifo = folder / "out";
    REQUIRE(::mkfifo(away.fifo.c_str(), 0600) == 0);
    add_handler("away", away.plugin);
  }
  // Reads until all that was sent has come.
  void read_all(test::Reader& reader) {
    const bool has_all = wait_until([&] {
      const auto bytes = reader.read();
      bytes_ += bytes;
      if (bytes.empty()) clock.ahead += 5ms;
      const auto delivered = hub->account().lines[1].tally.delivered;
      return !overflow() && delivered == static_cast<std::uint64_t>(sent);
    });
    CHECK(has_all);
  }
  Texts read_texts() const {
    std::string rest;
    Texts all;
    for (const auto& text : test::unframed(bytes_, &rest))
      all.push_back(text.substr(0, text.find(' ')));
    CHECK(rest.empty());
    return all;
  }

 private:
  std::string bytes_;
};

}  // namespace

TEST_CASE("a held handler stops no other, and gets all in order once it is released") {
  Fixture f;
  f.away.opens_with = STANDPIPE_FATAL;
  f.add_handler("away", f.away.plugin);
  f.start();
  CHECK(f.send_until(500) == 500);
  REQUIRE(f.until_delivered(500));
  REQUIRE(f.overflow());
  CHECK(f.overflow()->source == "in0");
  CHECK(f.overflow()->handler == "away");
  CHECK(f.overflow()->waiting > 400);
  CHECK(f.reported("in0: the log is full of what waits for away, which is held"));
  f.away.opens_with = STANDPIPE_OK;
  CHECK(f.hub->answer("handler retry away") ==
        "away is released: it opens, and its messages go on\n");
  CHECK(f.send_until(600) == 600);
  REQUIRE(f.until_got(600));
  CHECK(f.got() == numbers(0, 600));
  REQUIRE(f.wait_until([&] { return !f.overflow(); }));
  CHECK(f.reported("in0 -> away: all that overflowed to the disk is delivered"));
  CHECK(f.hub->account().lines[1].tally.delivered == 600);
}

TEST_CASE("a handler without a reader, or a connection, counts as away after half a second") {
  Forwarding f;
  f.start();
  f.clock.freeze();
  CHECK(f.send_what_goes(2000) < 2000);  // more than its FIFO and its log hold
  f.wait(worker::OverflowPolicy::kAwayAfter / 2);
  CHECK_FALSE(f.overflow());
  f.wait(kLong);
  CHECK(f.overflow());
  f.clock.go_on();
  CHECK(f.send_until(2000) == 2000);
  REQUIRE(f.until_delivered(2000));
  CHECK(f.reported("in0: the log is full of what waits for away, which has no reader at "));
  test::Reader reader(f.away.fifo);
  f.clock.ahead += 2s;
  f.read_all(reader);
  CHECK(f.read_texts() == numbers(0, 2000));
  CHECK_FALSE(f.overflow());
  // The next messages take no way by the disk.
  CHECK(f.send_until(2010) == 2010);
  f.read_all(reader);
  CHECK(f.read_texts() == numbers(0, 2010));
  CHECK_FALSE(f.reported("in0 -> away: no more of what waits"));
}

TEST_CASE("a handler that is disconnected overflows, and what it missed comes first") {
  Fixture f;
  f.away.opens_with = STANDPIPE_DISCONNECTED;
  f.add_handler("away", f.away.plugin);
  f.start();
  f.send_what_goes(500);
  f.wait(kLong);
  CHECK(f.send_until(500) == 500);
  REQUIRE(f.until_delivered(500));
  CHECK(f.reported("in0: the log is full of what waits for away, which is disconnected"));
  REQUIRE(f.overflow());
  f.away.opens_with = STANDPIPE_OK;
  f.clock.ahead += 60s;
  CHECK(f.send_until(600) == 600);
  REQUIRE(f.until_got(600));
  CHECK(f.got() == numbers(0, 600));
}

TEST_CASE("a reader that stands still makes writers wait, and nothing goes to the disk") {
  Forwarding f;
  f.start();
  test::Reader reader(f.away.fifo);
  CHECK(f.send_what_goes(3000) < 3000);
  f.wait(kLong);
  f.wait(kLong);
  CHECK(f.send_what_goes(3000) < 3000);
  CHECK_FALSE(f.overflow());
}

TEST_CASE("where all handlers of a source are away its writers wait, as at a plain FIFO") {
  Fixture f;
  f.options.handlers.clear();
  f.options.routes.clear();
  f.away.opens_with = STANDPIPE_FATAL;
  f.add_handler("away", f.away.plugin);
  f.add_handler("another", f.away.plugin);
  f.start();
  CHECK(f.send_what_goes(5000) < 5000);
  f.wait(kLong);
  CHECK_FALSE(f.overflow());
}

TEST_CASE("a handler with a queue of its own does not overflow") {
  Fixture f;
  f.away.opens_with = STANDPIPE_FATAL;
  f.add_handler("away", f.away.plugin);
  f.options.handlers[1].queue.type = deliver::QueueOptions::Type::memory;
  f.start();
  CHECK(f.send_what_goes(5000) < 5000);
  f.wait(kLong);
  CHECK_FALSE(f.overflow());
}

TEST_CASE("overflow_max: 0B lets nothing go to the disk") {
  Fixture f;
  f.options.overflow_max = 0;
  f.away.opens_with = STANDPIPE_FATAL;
  f.add_handler("away", f.away.plugin);
  f.start();
  CHECK(f.send_what_goes(5000) < 5000);
  CHECK_FALSE(f.overflow());
}

TEST_CASE("all overflows of a hub have one limit, and what is full says whom writers wait for") {
  Fixture f;
  f.options.overflow_max = 256 * KiB;
  f.away.opens_with = STANDPIPE_FATAL;
  f.add_handler("away", f.away.plugin);
  f.add_handler("another", f.away.plugin);
  f.start();
  CHECK(f.send_until(5000, 500ms) < 5000);
  std::uint64_t bytes = 0, stuck = 0;
  for (const auto& queue : f.hub->queues()) bytes += queue.bytes, stuck += !queue.stuck.empty();
  CHECK(bytes <= 256 * KiB);
  CHECK(bytes > 128 * KiB);
  CHECK(stuck >= 1);
  CHECK(f.reported("no more of what waits for it goes to the disk, so the source is not read"));
}

TEST_CASE("what a hub of an earlier version saved for a held handler comes first") {
  Fixture f;
  f.add_handler("away", f.away.plugin);
  f.start();
  f.stop();
  const auto path = test::old_overflow(f.options.data_dir, "in0", "away", {"a", "b", "c"});
  f.start();
  f.send("d");
  REQUIRE(f.until_got(4));
  CHECK(f.got() == Texts{"a", "b", "c", "d"});
  f.stop();
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("what overflowed before a stop is delivered by the next start, in order") {
  Fixture f;
  f.away.opens_with = STANDPIPE_FATAL;
  f.add_handler("away", f.away.plugin);
  for (int run = 0; run < 3; ++run) {
    f.start();
    CHECK(f.send_until(run * 100 + 100) == run * 100 + 100);
    REQUIRE(f.until_delivered(100));
    f.stop();
  }
  f.away.opens_with = STANDPIPE_OK;
  f.start();
  REQUIRE(f.until_got(300));
  CHECK(f.got() == numbers(0, 300));
  f.stop();
}

TEST_CASE("a handler that is configured no more has what overflowed dead-lettered") {
  Fixture f;
  f.away.opens_with = STANDPIPE_FATAL;
  f.add_handler("away", f.away.plugin);
  f.start();
  CHECK(f.send_until(200) == 200);
  REQUIRE(f.until_delivered(200));
  REQUIRE(f.overflow());
  f.options.handlers.pop_back();
  f.options.routes.pop_back();
  f.start();
  f.hub->begin_for_good();
  REQUIRE(f.wait_until([&] {
    for (const auto& line : f.hub->account().lines)
      if (line.handler == "away") return line.tally.dead_lettered == 200;
    return false;
  }));
  CHECK(f.hub->queues().empty());
}

// Each kill leaves the next worker all messages of a forward, once and in order: while they
// overflow, come back, and when the last of them is delivered.
TEST_CASE("a worker that dies at any commit of an overflow loses nothing and sends nothing twice") {
  using Killer = test::CommitKiller;
  for (const auto when : {Killer::When::before, Killer::When::after}) {
    for (int nth = 0, is_over = 0; !is_over && nth < 4000; nth += 13) {
      CAPTURE(nth, when == Killer::When::after);
      Forwarding f;
      f.start();
      std::optional<test::Reader> reader;
      int life = 0;
      const auto work = [&] {
        f.send_until(60);
        f.wait(kLong);
        f.send_until(120);
        f.wait(kLong);
        if (!reader) reader.emplace(f.away.fifo);
        f.clock.ahead += 2s;
        f.read_all(*reader);
      };
      Killer::arm(nth, when);
      for (bool is_done = false; !is_done; ++life) try {
          work();
          is_done = true;
        } catch (const test::KilledAtCommit&) {
          Killer::disarm();
          f.start();
        }
      is_over = Killer::armed();
      Killer::disarm();
      REQUIRE(life <= 2);
      REQUIRE(f.sent == 120);
      CHECK(f.read_texts() == numbers(0, 120));
      CHECK(f.hub->account().lines[1].tally.delivered == 120);
    }
  }
}
