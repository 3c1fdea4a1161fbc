// SPDX-License-Identifier: Apache-2.0
#include "deliver/output.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "base/failure.h"
#include "fifo_kit.h"
#include "give.h"
#include "senders.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

using test::framed, test::Reader, test::Silent, test::unframed;

namespace {

// One log, one delivery of it (or two), one output. Time is the test's.
class Fixture {
 public:
  explicit Fixture(bool resend = true, std::size_t stage = 16 * KiB)
      : keeping({.memory_max = 16 * MiB, .logs = 2, .deliveries = 2}),
        arena(keeping),
        log(arena, {.id = 0, .size_max = 4 * MiB, .readers = 2}),
        delivery("in", "it", 0, log, 0),
        other("in", "other", 1, log, 1),
        senders([this](std::uint32_t id) -> deliver::Delivery& { return id ? other : delivery; }),
        output(
            plugin::FifoOutputRequest{
                .path = folder / "out", .mode = 0600, .create = true, .resend = resend},
            senders.needs(reporter, stage)) {
    output.attach(keeping, link, 0);
  }

  void append(const std::string& payload, std::uint64_t set = 1) {
    const auto frame = framed(payload);
    std::string_view bytes = frame;
    while (!bytes.empty()) {
      const auto room = log.room(frame.size());
      REQUIRE_FALSE(room.empty());
      const auto n = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), n);
      log.filled(n);
      bytes.remove_prefix(n);
    }
    while (!log.add_run(frame.size(), 1, ++time_, 1, {&set, 1})) REQUIRE(log.make_room_for_index());
    if (set & 1) ++delivery.edit_tally().matched;
    if (set & 2) ++other.edit_tally().matched;
    keeping.commit();
  }
  void send(deliver::Delivery& d) { test::give_all(d, output); }
  void send(const std::string& payload) {
    append(payload);
    send(delivery);
  }
  void pump() {
    now += 2s;  // past every back-off
    while (output.pump(now)) {
    }
    check();
  }
  void reader_dies() {
    output.on_event(EPOLLERR, now);
    check();
  }
  void check() {
    delivery.check_invariants();
    other.check_invariants();
  }
  std::uint64_t delivered() const { return delivery.tally().delivered; }

  test::TemporaryFolder folder;
  Silent reporter;
  state::Memory keeping;
  keeper::Link link = keeper::Link::none();
  log::Arena arena;
  log::Log log;
  deliver::Delivery delivery, other;
  test::Senders senders;
  deliver::Output output;
  Nanoseconds now{0};

 private:
  std::uint64_t time_ = 0;
};

}  // namespace

TEST_CASE("a message is delivered when the reader has taken it, and not before") {
  Fixture f;
  f.send("hello");
  f.pump();
  CHECK(f.delivered() == 0);
  CHECK(f.delivery.in_flight() == 1);
  Reader reader(f.output.path());
  f.pump();
  CHECK(f.delivered() == 0);
  CHECK(reader.read() == framed("hello"));
  f.pump();
  CHECK(f.delivered() == 1);
  CHECK(f.output.idle());
}

TEST_CASE(
    "wherever a reader dies, the next one starts on the frame it was in, and gets all the rest") {
  const std::vector<std::string> sent = {"first", "", "the third one", std::string(300, 'x'),
                                         "last"};
  std::string stream;
  for (const auto& s : sent) stream += framed(s);
  for (std::size_t taken = 0; taken <= stream.size(); ++taken) {
    Fixture f;
    std::string got;
    {
      Reader reader(f.output.path());
      for (const auto& s : sent) f.send(s);
      f.pump();
      if (taken) got = reader.read(taken);
    }
    f.reader_dies();
    Reader next(f.output.path());
    f.pump();
    const auto whole = unframed(got);
    const std::vector<std::string> rest(sent.begin() + static_cast<std::ptrdiff_t>(whole.size()),
                                        sent.end());
    CHECK(unframed(next.read()) == rest);
    f.pump();
    CHECK(f.delivered() == sent.size());
    CHECK(f.output.idle());
  }
}

TEST_CASE("count leaves what is in the pipe to the next reader, and continues after it") {
  Fixture f(false);
  std::string got;
  {
    Reader reader(f.output.path());
    f.send("one");
    f.send("two");
    f.pump();
    got = reader.read(2);
  }
  f.reader_dies();
  CHECK(f.delivered() == 2);
  f.send("three");
  Reader next(f.output.path());
  f.pump();
  got += next.read();
  CHECK(unframed(got) == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("bytes of other writers are seen, reported, and left alone") {
  Fixture f;
  {
    Reader reader(f.output.path());
    f.send("ours");
    f.pump();
    const Fd stranger(::open(f.output.path().c_str(), O_WRONLY | O_NONBLOCK));
    const auto theirs = framed("theirs");
    REQUIRE(::write(stranger.get(), theirs.data(), theirs.size()) ==
            static_cast<ssize_t>(theirs.size()));
  }
  f.reader_dies();
  CHECK(f.reporter.reported == std::vector<std::string>{"others-write-here"});
  Reader next(f.output.path());
  CHECK(unframed(next.read()) == std::vector<std::string>{"ours", "theirs"});
}

TEST_CASE("deliveries that share an output take turns, frame by frame whole") {
  Fixture f;
  Reader reader(f.output.path());
  std::vector<std::string> want;
  for (int i = 0; i < 100; ++i) {
    f.append("a" + std::to_string(i), 1);
    f.append("b" + std::to_string(i), 2);
    f.send(f.delivery);
    f.send(f.other);
    want.push_back("a" + std::to_string(i));
    want.push_back("b" + std::to_string(i));
  }
  f.pump();
  CHECK(unframed(reader.read()) == want);
  f.pump();
  CHECK(f.delivered() == 100);
  CHECK(f.other.tally().delivered == 100);
}

TEST_CASE("a FIFO that was replaced is found again") {
  Fixture f;
  {
    Reader reader(f.output.path());
    f.send("old");
    f.pump();
  }
  f.reader_dies();
  ::unlink(f.output.path().c_str());
  REQUIRE(::mkfifo(f.output.path().c_str(), 0600) == 0);
  Reader next(f.output.path());
  f.pump();
  CHECK(unframed(next.read()) == std::vector<std::string>{"old"});
}

TEST_CASE("readers that come and die at random get every message whole, and none is skipped") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 random(seed);
    Fixture f(true, seed % 2 ? 16 * KiB : 4 * KiB);
    std::vector<std::string> sent, got;
    std::size_t seen = 0;  // how far the readers came together
    auto reader = std::make_unique<Reader>(f.output.path());
    std::string bytes;
    for (int step = 0; step < 400; ++step) {
      if (random() % 2 && sent.size() < 200) {
        sent.push_back(std::to_string(sent.size()) +
                       std::string(random() % (step % 20 ? 200 : 30'000), 'x'));
        f.send(sent.back());
      }
      if (random() % 3) f.pump();
      if (reader) bytes += reader->read(random() % 5000);
      const bool dies = reader && random() % 7 == 0;
      if (dies) {
        f.pump();
        bytes += reader->read(random() % 300);
        reader.reset();
        f.reader_dies();
        for (const auto& m : unframed(bytes)) REQUIRE(m == sent[seen++]);
        bytes.clear();
      }
      if (!reader) reader = std::make_unique<Reader>(f.output.path());
    }
    for (int i = 0; i < 2000 && !f.output.idle(); ++i) {
      f.pump();
      bytes += reader->read();
      f.pump();
    }
    std::string rest;
    for (const auto& m : unframed(bytes, &rest)) REQUIRE(m == sent[seen++]);
    CHECK(rest.empty());
    CHECK(seen == sent.size());
    CHECK(f.delivered() == sent.size());
  }
}

TEST_CASE(
    "a hub that ends finishes the message that lies in the FIFO in part, and begins no other") {
  for (const std::size_t size : {100u, 5000u, 70'000u, 200'000u}) {
    Fixture f;
    Reader reader(f.output.path());
    for (int i = 0; i < 8; ++i) f.send(std::string(size, static_cast<char>('a' + i)));
    f.pump();
    std::string bytes = reader.read(size / 2);
    f.pump();
    f.output.finish_frame();
    f.check();
    for (int i = 0; i < 1000 && !f.output.all_moved(); ++i) {
      bytes += reader.read();
      f.pump();
    }
    f.output.stop();
    f.check();
    bytes += reader.read();
    std::string rest;
    const auto whole = unframed(bytes, &rest);
    CHECK(rest.empty());
    CHECK(f.delivered() == whole.size());
    CHECK(f.delivery.in_flight() == 8 - whole.size());
  }
}

TEST_CASE("a FIFO path that is a regular file is refused with the remedy") {
  test::TemporaryFolder folder;
  Silent reporter;
  test::Senders nobody({});
  const Fd file(::open((folder / "out").c_str(), O_CREAT | O_WRONLY, 0600));
  CHECK_THROWS_AS(deliver::Output(plugin::FifoOutputRequest{.path = folder / "out"},
                                  nobody.needs(reporter, 4096)),
                  Failure);
}

namespace {

// As many messages as the pipe and the stage hold, and more; the reader takes a part.
void fill_and_kill_reader(Fixture& f, std::size_t taken) {
  Reader reader(f.output.path());
  for (int i = 0; i < 400; ++i) f.send(std::string(1000, static_cast<char>('a' + i % 26)));
  f.pump();
  reader.read(taken);
  f.pump();
}

std::string read_to_the_end(Fixture& f) {
  std::string bytes;
  Reader next(f.output.path());
  for (int i = 0; i < 200 && !f.output.idle(); ++i) {
    f.pump();
    bytes += next.read();
  }
  CHECK(f.output.idle());
  return bytes;
}

std::size_t count_thousands(const std::string& bytes) {
  std::string rest;
  const auto whole = unframed(bytes, &rest);
  CHECK(rest.empty());
  for (const auto& m : whole) CHECK(m.size() == 1000);
  return whole.size();
}

}  // namespace

TEST_CASE(
    "with others' bytes in the pipe the stream continues where it was, and what lay in the stage "
    "is not lost") {
  Fixture f;
  fill_and_kill_reader(f, 10'040);
  std::string left(1 << 20, '\0');
  {
    const Fd stranger(::open(f.output.path().c_str(), O_RDWR | O_NONBLOCK));
    left.resize(static_cast<std::size_t>(::read(stranger.get(), left.data(), left.size())));
    const auto changed = "?" + left.substr(1);
    REQUIRE(::write(stranger.get(), changed.data(), changed.size()) ==
            static_cast<ssize_t>(changed.size()));
  }
  f.reader_dies();
  CHECK(f.reporter.reported == std::vector<std::string>{"others-write-here"});
  auto bytes = read_to_the_end(f);
  REQUIRE(bytes.front() == '?');
  bytes.front() = left.front();
  CHECK(count_thousands(bytes) == 390);
}

TEST_CASE("count, and the FIFO replaced: the new one begins with a whole message") {
  Fixture f(false);
  fill_and_kill_reader(f, 500);
  f.reader_dies();
  ::unlink(f.output.path().c_str());
  REQUIRE(::mkfifo(f.output.path().c_str(), 0600) == 0);
  CHECK(count_thousands(read_to_the_end(f)) ==
        400 - 16 * 4);  // a page each four; those went with the old one
  CHECK(f.delivered() == 400);
}

TEST_CASE("a reader that takes its FIFO away with it does not end the hub") {
  Fixture f;
  fill_and_kill_reader(f, 2008);
  ::unlink(f.output.path().c_str());
  f.reader_dies();
  f.pump();
  REQUIRE(::mkfifo(f.output.path().c_str(), 0600) == 0);
  CHECK(count_thousands(read_to_the_end(f)) == 398);
}

TEST_CASE("readers that stay for less than a second, one after the other, are met all the same") {
  Fixture f;
  {
    Reader first(f.output.path());
    f.send("first");
    f.pump();
    CHECK(first.read() == framed("first"));
  }
  f.reader_dies();
  f.send("second");
  std::string got;
  const auto work_until = [&](Nanoseconds end) {
    while (f.output.wake_at() && *f.output.wake_at() <= end) {
      f.now = std::max(f.now, *f.output.wake_at());
      f.output.pump(f.now);
    }
    f.now = end;
  };
  for (int visit = 0; visit < 10 && got.empty(); ++visit) {
    f.output.pump(f.now);
    work_until(f.now + 120ms);
    {
      Reader reader(f.output.path());
      work_until(f.now + 600ms);
      got = reader.read();
    }
    f.output.on_event(EPOLLERR, f.now);
  }
  CHECK(got == framed("second"));
}

TEST_CASE("what waits for a reader that is not there can be taken back") {
  Fixture f;
  f.send("one");
  f.send("two");
  f.pump();  // nobody has opened it yet
  CHECK(f.output.recall());
  CHECK(f.output.idle());
  CHECK_FALSE(f.output.recall());
  CHECK_FALSE(f.delivery.redeliveries().empty());
  CHECK(f.delivery.has_all());
  f.check();
}

TEST_CASE("what a living reader is to have is not taken back") {
  Fixture f;
  Reader reader(f.folder / "out");
  f.send("one");
  f.pump();
  CHECK_FALSE(f.output.recall());
  CHECK(unframed(reader.read()) == std::vector<std::string>{"one"});
}
