// SPDX-License-Identifier: Apache-2.0
#include "worker/queue_policy.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>

#include "worker/hub_kit.h"

using namespace standpipe;
using namespace std::chrono_literals;
using deliver::QueueOptions;
using test::HubKit;

namespace {

// A plugin that sends all it gets to a FIFO.
class Sender : public test::PluginInside {
 public:
  Sender()
      : PluginInside("sender", {sizeof(standpipe_handler), STANDPIPE_INLINE, create, open, handle,
                                nullptr, close, close, nullptr, nullptr}) {}
  static inline std::string fifo;

 private:
  static inline const standpipe_host* host = nullptr;
  static std::uint32_t create(const standpipe_host* of, const standpipe_config*, void** self,
                              standpipe_reason*) {
    host = of;
    *self = &host;
    return STANDPIPE_OK;
  }
  static std::uint32_t open(void*, standpipe_reason*) {
    return test::add_fifo(*host, fifo) == 1 ? STANDPIPE_OK : STANDPIPE_FATAL;
  }
  static std::uint32_t handle(void*, const standpipe_batch* batch, standpipe_result* result) {
    std::fill_n(result->outcomes, batch->count, std::uint8_t{STANDPIPE_SEND});
    result->output = 1;
    return STANDPIPE_OK;
  }
  static void close(void*) {}
};

// A plugin that does not come back from a call before the test lets it.
class Wedged : public test::PluginInside {
 public:
  Wedged()
      : PluginInside("wedged", {sizeof(standpipe_handler), STANDPIPE_THREAD, create, open, handle,
                                nullptr, close, close, nullptr, nullptr}) {
    may_return = is_in = has_changed = false;
  }
  static void let_return() {
    may_return = true;
    may_return.notify_all();
  }
  static inline std::atomic<bool> may_return, is_in, has_changed;

 private:
  static std::uint32_t create(const standpipe_host*, const standpipe_config*, void** self,
                              standpipe_reason*) {
    *self = &may_return;
    return STANDPIPE_OK;
  }
  static std::uint32_t open(void*, standpipe_reason*) { return STANDPIPE_OK; }
  static std::string text_of(const standpipe_batch* batch) {
    std::string all;
    const auto* row = reinterpret_cast<const char*>(batch->messages);
    for (std::uint32_t i = 0; i < batch->count; ++i, row += batch->stride) {
      const auto& message = *reinterpret_cast<const standpipe_message*>(row);
      all.append(reinterpret_cast<const char*>(message.data),
                 static_cast<std::size_t>(message.size));
    }
    return all;
  }
  static std::uint32_t handle(void*, const standpipe_batch* batch, standpipe_result*) {
    const auto before = text_of(batch);
    is_in = true;
    may_return.wait(false);
    has_changed = has_changed || text_of(batch) != before;
    return STANDPIPE_OK;
  }
  static void close(void*) {}
};

// A source with a small log. "out" takes all; "next" sends all to a FIFO, and has a queue.
class Fixture : public HubKit {
 public:
  explicit Fixture(const QueueOptions& queue, const plugin::Plugin* to = nullptr) {
    options.sources[0].log_size_max = 64 * KiB;
    Sender::fifo = folder / "next";
    REQUIRE(::mkfifo(Sender::fifo.c_str(), 0600) == 0);
    add_handler("next", to ? *to : next.plugin);
    options.handlers[1].queue = queue;
    begin();
  }
  // Messages of a kilobyte. false: the FIFO is full, and stays so.
  bool send_some(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      int rounds = 0;
      while (!try_send(std::string(1000, 'x')))
        if (rounds++ == 100)
          return false;
        else
          round();
    }
    sent += count;
    for (int i = 0; i < 500 && hub->account().sources[0].counters.accepted < sent && count > 1; ++i)
      round();
    for (int i = 0; i < 10; ++i) round();
    return true;
  }
  void round() {
    keeper.say("ping", "");  // so that there is something to wait for
    hub->round();
  }
  deliver::Account::Line to_next() const {
    for (const auto& line : hub->account().lines)
      if (line.handler == "next") return line;
    return {};
  }
  std::uint64_t dropped() const {
    return to_next().tally.dropped[static_cast<std::size_t>(deliver::Reason::queue_full)];
  }

  Sender next;
  std::uint64_t sent = 0;
};

}  // namespace

TEST_CASE("a queue without a reader stays within its limit, and the other handler gets all") {
  Fixture f({.type = QueueOptions::Type::memory,
             .messages_max = 10,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  REQUIRE(f.send_some(1000));
  CHECK(f.delivered() == 1000);
  CHECK(f.to_next().in_flight == 10);
  CHECK(f.dropped() == 990);
  CHECK(f.reported("in0 -> next: "));
  CHECK(f.reported("dropped (queue_full): its queue holds all that it may"));
}

TEST_CASE("the same in bytes") {
  Fixture f({.type = QueueOptions::Type::memory,
             .size_max = 10 * 1004,
             .when_full = QueueOptions::WhenFull::drop_oldest});
  REQUIRE(f.send_some(1000));
  CHECK(f.delivered() == 1000);
  CHECK(f.to_next().in_flight == 10);
}

TEST_CASE("where a log is full, a queue gives way that is within its limits, or keeps the oldest") {
  Fixture f({.type = QueueOptions::Type::memory,
             .messages_max = 40,
             .when_full = QueueOptions::WhenFull::drop_newest});
  REQUIRE(f.send_some(20));
  CHECK(f.dropped() == 0);
  REQUIRE(f.send_some(1000));
  CHECK(f.delivered() == 1020);
  CHECK(f.to_next().in_flight <= 40);
  CHECK(f.dropped() >= 980);
}

TEST_CASE("a queue that blocks makes the writers wait, and is served when it is read") {
  Fixture f({.type = QueueOptions::Type::memory, .messages_max = 10});
  int sent = 0;
  while (sent < 2000 && f.send_some(1)) ++sent;
  CHECK(sent < 2000);
  CHECK(f.dropped() == 0);
  CHECK(f.to_next().in_flight >= 10);
  CHECK(f.to_next().in_flight <= 10 + 64);  // and one turn
  const Fd reader(::open((f.folder / "next").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::string bytes(1 << 20, ' ');
  std::uint64_t got = 0;
  const auto until = std::chrono::steady_clock::now() + 30s;  // a reader is looked for each second
  while (got < static_cast<std::uint64_t>(sent) * 1004 &&
         std::chrono::steady_clock::now() < until) {
    f.round();
    const auto n = ::read(reader.get(), bytes.data(), bytes.size());
    if (n > 0) got += static_cast<std::uint64_t>(n);
  }
  CHECK(got == static_cast<std::uint64_t>(sent) * 1004);
}

namespace {

// "next" is in a call with the first message, and the log is full after it.
class WedgedFixture : public Wedged, public Fixture {
 public:
  WedgedFixture()
      : Fixture({.type = QueueOptions::Type::memory,
                 .messages_max = 10,
                 .when_full = QueueOptions::WhenFull::drop_oldest},
                &static_cast<Wedged&>(*this).PluginInside::plugin) {
    clock.freeze();
    REQUIRE(send_some(1));
    for (int i = 0; i < 10'000 && !is_in; ++i) round();
    REQUIRE(is_in);
    while (send_some(1)) {
    }
  }
  ~WedgedFixture() { let_return(); }
};

}  // namespace

TEST_CASE("a call that does not come back does not stop the source of a queue that drops") {
  WedgedFixture f;
  const auto before = f.delivered();
  f.clock.ahead += 900ms;
  f.round();
  CHECK_FALSE(f.send_some(1));
  f.clock.ahead += 200ms;
  f.round();
  REQUIRE(f.send_some(1000));
  CHECK(f.delivered() > before + 1000);
  CHECK(
      f.reported("in0 -> next: the log is full of what it has in a call that does not come back"));
  CHECK(f.to_next().in_flight == 10);
  CHECK(f.dropped() == f.to_next().tally.matched - 10);
  f.let_return();
  for (int i = 0; i < 10'000 && f.to_next().tally.delivered < 10; ++i) f.round();
  CHECK_FALSE(f.has_changed);                // while it was in the call
  CHECK(f.to_next().tally.delivered == 10);  // not those of the call
  CHECK(f.to_next().in_flight == 0);
}

TEST_CASE("a worker after that of a call that was written off settles it no more") {
  WedgedFixture f;
  f.clock.ahead += 2s;
  f.round();
  REQUIRE(f.send_some(100));
  const auto dropped = f.dropped();
  f.let_return();
  f.begin();
  CHECK(f.dropped() == dropped);
  for (int i = 0; i < 10'000 && f.to_next().in_flight > 0; ++i) f.round();
  CHECK(f.to_next().tally.delivered == 10);
  CHECK(f.dropped() == dropped);
}
