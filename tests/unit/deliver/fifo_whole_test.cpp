// SPDX-License-Identifier: Apache-2.0
// FifoEndpoint: several writers in one FIFO. Nothing is broken up.
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "deliver/output.h"
#include "fifo_kit.h"
#include "give.h"
#include "senders.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

using test::framed, test::Reader, test::Silent, test::unframed;

namespace {

// What a writer called `who` sends as its `number`th: of all sizes, and each byte can be told.
std::string numbered(char who, int number, std::size_t large = 100'000) {
  const auto size = number % 50 == 0 ? large : static_cast<std::size_t>(number % 7) * 40;
  return who + std::to_string(number) + ' ' +
         std::string(size, static_cast<char>('a' + number % 26));
}

// One hub's output into a FIFO that others may have, too.
class OneHub {
 public:
  explicit OneHub(const std::string& path, bool resend)
      : memory_({.memory_max = 64 * MiB, .logs = 1, .deliveries = 1}),
        arena_(memory_),
        log_(arena_, {.id = 0, .size_max = 48 * MiB}),
        delivery_("in", "it", 0, log_, 0),
        senders([this](std::uint32_t) -> deliver::Delivery& { return delivery_; }),
        output(
            plugin::FifoOutputRequest{.path = path, .mode = 0600, .create = true, .resend = resend},
            senders.needs(reporter, 64 * KiB)) {
    output.attach(memory_, link_, 0);
  }
  void send(const std::string& payload) {
    const auto frame = framed(payload);
    std::string_view bytes = frame;
    while (!bytes.empty()) {
      const auto room = log_.room(frame.size());
      REQUIRE_FALSE(room.empty());
      const auto n = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), n);
      log_.filled(n);
      bytes.remove_prefix(n);
    }
    const std::uint64_t all = 1;
    while (!log_.add_run(frame.size(), 1, ++time_, 1, {&all, 1}))
      REQUIRE(log_.make_room_for_index());
    ++delivery_.edit_tally().matched;
    memory_.commit();
    test::give_all(delivery_, output);
  }
  void pump(Nanoseconds step = 1ms) {
    now += step;
    (void)output.pump(now);
    delivery_.check_invariants();
    memory_.commit();
    if (delivery_.settled() != log_.trimmed()) log_.trim(delivery_.settled());
    memory_.commit();
  }
  std::uint64_t delivered() const { return delivery_.tally().delivered; }

  Silent reporter;
  Nanoseconds now{0};

 private:
  state::Memory memory_;
  keeper::Link link_ = keeper::Link::none();
  log::Arena arena_;
  log::Log log_;
  deliver::Delivery delivery_;
  std::uint64_t time_ = 0;

 public:
  test::Senders senders;
  deliver::Output output;
};

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// As `standpipe send`: blocking, and under the lock.
void send_under_lock(const std::string& path, int messages) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  for (int i = 0; i < messages; ++i) {
    (void)::flock(fd.get(), LOCK_EX);
    write_all(fd.get(), framed(numbered('s', i)));
    (void)::flock(fd.get(), LOCK_UN);
  }
}

// A program that knows of no lock, and writes small frames by one write each.
void write_small(const std::string& path, int messages) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  for (int i = 0; i < messages; ++i) write_all(fd.get(), framed(numbered('w', i, PIPE_BUF - 20)));
}

// Takes the stream apart as it comes; everything in it must be what its writer sent next.
class Checker {
 public:
  explicit Checker(std::size_t large = 100'000) : large_(large) {}
  void take(const std::string& bytes) {
    held_ += bytes;
    std::string rest;
    for (const auto& payload : unframed(held_, &rest)) {
      REQUIRE_FALSE(payload.empty());
      const char who = payload[0];
      REQUIRE((who == 'A' || who == 'B' || who == 's' || who == 'w'));
      const bool is_next =
          payload == numbered(who, next_[who], who == 'w' ? PIPE_BUF - 20 : large_);
      if (!is_next)
        FAIL("broken up or out of order: " << payload.substr(0, 40) << ", expected number "
                                           << next_[who]);
      ++next_[who];
    }
    held_ = rest;
  }
  int of(char who) { return next_[who]; }
  bool is_between_frames() const { return held_.empty(); }

 private:
  std::size_t large_;
  std::string held_;
  std::map<char, int> next_;
};

bool can_lock(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(fd);
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

// One hub, its FIFO and a reader.
template <bool kResend>
struct Read {
  test::TemporaryFolder folder;
  OneHub hub{folder / "out", kResend};
  std::string path = hub.output.path();
  Reader reader{path};
};
using Alone = Read<true>;
using Counting = Read<false>;

}  // namespace

TEST_CASE(
    "two hubs and a sender in one FIFO: of small and large frames nothing is broken up, whatever "
    "their reader-death says") {
  constexpr int kEach = 5000;
  const bool resend = GENERATE(false, true);
  const test::TemporaryFolder folder;
  const auto path = folder / "out";
  OneHub a(path, resend), b(path, resend);
  Reader reader(path);
  std::thread sender([&] { send_under_lock(path, kEach); });
  Checker checker;
  std::mt19937 chance(7);
  int sent = 0;
  while (checker.of('A') < kEach || checker.of('B') < kEach || checker.of('s') < kEach) {
    for (int i = 0; i < 20 && sent < kEach; ++i, ++sent) {
      a.send(numbered('A', sent));
      b.send(numbered('B', sent));
    }
    a.pump(std::chrono::milliseconds(chance() % 40));
    b.pump(std::chrono::milliseconds(chance() % 40));
    checker.take(reader.read(1 + chance() % 60'000));
  }
  sender.join();
  CHECK(checker.is_between_frames());
}

TEST_CASE("writers of small frames that know of no lock are safe beside a hub's small frames") {
  constexpr int kEach = 10'000;
  const test::TemporaryFolder folder;
  const auto path = folder / "out";
  OneHub a(path, false);
  Reader reader(path);
  std::thread writer([&] { write_small(path, kEach); });
  Checker checker(PIPE_BUF - 20);
  std::mt19937 chance(7);
  int sent = 0;
  while (checker.of('A') < kEach || checker.of('w') < kEach) {
    for (int i = 0; i < 40 && sent < kEach; ++i, ++sent) a.send(numbered('A', sent, PIPE_BUF - 20));
    a.pump();
    checker.take(reader.read(1 + chance() % 60'000));
  }
  writer.join();
  CHECK(checker.is_between_frames());
}

TEST_CASE_METHOD(
    Alone,
    "an output that writes alone takes the FIFO full, and gives the lock back when it has nothing "
    "to push") {
  hub.send("one");
  hub.pump();
  CHECK_FALSE(hub.output.fifo()->others_write());
  CHECK_FALSE(can_lock(path));
  REQUIRE(hub.output.wake_at());
  CHECK(*hub.output.wake_at() <= hub.now + deliver::WriterLock::kIdle);
  CHECK(reader.read() == framed("one"));
  hub.pump(deliver::WriterLock::kIdle);
  CHECK(can_lock(path));
  CHECK(hub.output.idle());
}

TEST_CASE_METHOD(
    Alone,
    "an output that writes alone and never ends lets others have the lock now and then, at a "
    "frame's end") {
  for (int i = 0; i < 4000; ++i) hub.send(numbered('A', i));
  Checker checker;
  hub.pump();
  bool was_free = false;
  for (int i = 0; i < 10'000 && !was_free; ++i) {
    checker.take(reader.read(10'000));
    hub.pump();
    was_free = can_lock(path);
  }
  REQUIRE(was_free);
  CHECK(hub.delivered() < 4000);
  CHECK(hub.now < 5s);
  while (checker.of('A') < 4000 && !checker.is_between_frames()) checker.take(reader.read(10'000));
  CHECK(checker.is_between_frames());
  CHECK_FALSE(hub.output.fifo()->others_write());
}

TEST_CASE_METHOD(
    Alone,
    "a writer that has the lock, or bytes that nobody here sent, make it share the FIFO from then "
    "on") {
  const Fd other(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  SECTION("the lock") {
    REQUIRE(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
    hub.send("one");
    hub.pump();
    CHECK(reader.read().empty());
    REQUIRE(hub.output.wake_at());
    CHECK(*hub.output.wake_at() <= hub.now + deliver::WriterLock::kRetryLast);
    (void)::flock(other.get(), LOCK_UN);
    hub.pump(deliver::WriterLock::kRetryLast);
  }
  SECTION("bytes") {
    hub.send("zero");
    hub.pump();
    write_all(other.get(), framed("foreign"));
    hub.send("one");
    hub.pump();
  }
  CHECK(hub.output.fifo()->others_write());
  CHECK(reader.read().ends_with(framed("one")));
  CHECK(can_lock(path));
}

TEST_CASE("a FIFO that its mode opens to others, and count, are shared from the beginning") {
  const test::TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "open").c_str(), 0600) == 0);
  REQUIRE(::chmod((folder / "open").c_str(), 0622) == 0);
  OneHub open(folder / "open", true), count(folder / "count", false), own(folder / "own", true);
  for (auto* hub : {&open, &count, &own}) {
    Reader reader(hub->output.path());
    hub->send("one");
    hub->pump();
    CHECK(hub->output.fifo()->others_write() == (hub != &own));
    CHECK(can_lock(hub->output.path()) == (hub != &own));
  }
}

TEST_CASE_METHOD(
    Counting,
    "a small frame moves all at once or not at all; a large one keeps the lock until it is out") {
  for (int i = 0; i < 100; ++i) hub.send(std::string(1500, 's'));
  hub.pump();
  CHECK(can_lock(path));
  std::string rest;
  CHECK(unframed(reader.read(), &rest).size() > 10);
  CHECK(rest.empty());
  for (int i = 0; i < 20; ++i) {
    hub.pump();
    (void)reader.read();
  }
  hub.send(std::string(200'000, 'l'));
  hub.pump();
  CHECK_FALSE(can_lock(path));
  std::string got;
  for (int i = 0; i < 20; ++i) {
    got += reader.read();
    hub.pump();
  }
  CHECK(unframed(got, &rest).back() == std::string(200'000, 'l'));
  CHECK(rest.empty());
  CHECK(can_lock(path));
}

TEST_CASE(
    "a reader that dies inside a large frame: the lock is kept while its rest is to come, and not "
    "where it is taken back") {
  const test::TemporaryFolder folder;
  const bool resend = GENERATE(false, true);
  OneHub hub(folder / "out", resend);
  {
    Reader reader(hub.output.path());
    hub.send(std::string(200'000, 'l'));
    hub.pump();
    (void)reader.read(1000);
  }
  hub.output.on_event(EPOLLERR, hub.now);
  Reader next(hub.output.path());
  CHECK(can_lock(hub.output.path()) == resend);
  std::string got;
  for (int i = 0; i < 40; ++i) {
    hub.pump(1s);
    got += next.read();
  }
  CHECK(got.size() == (resend ? 200'004 : 199'004));
  CHECK(can_lock(hub.output.path()));
}
