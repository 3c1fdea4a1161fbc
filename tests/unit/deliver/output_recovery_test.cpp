// SPDX-License-Identifier: Apache-2.0
// What the next worker makes of an output: whatever the last one died at, each byte comes once.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <optional>

#include "base/limits.h"
#include "deliver/output.h"
#include "fifo_kit.h"
#include "frame/length_prefixed.h"
#include "keeping.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;
using test::framed, test::Reader, test::Silent, test::unframed;

namespace {

// A worker that dies at one of its reads: before it, or when it has come back.
struct Died {};
int lives = 0;  // instants until then; 0: it lives on
void live_on() {
  if (lives > 0 && --lives == 0) throw Died{};
}

}  // namespace

extern "C" ssize_t read(int fd, void* bytes, size_t size) {
  live_on();
  const auto n = ::syscall(SYS_read, fd, bytes, size);
  live_on();
  return n;
}

namespace {

using Texts = std::vector<std::string>;

// One log, one delivery, one output, and a keeper for one worker after the other.
class Fixture {
 public:
  explicit Fixture(bool resend = true)
      : resend_(resend), keeping(std::make_unique<log::Memory>(log::MemoryPlan{.memory_max = 4 * MiB})) {
    begin(deliver::Output::Made::now);
  }
  void send(const std::string& payload) {
    const auto frame = framed(payload);
    const std::uint64_t set = 1;
    const auto room = log->room(frame.size());
    REQUIRE(room.size() >= frame.size());
    std::memcpy(room.data(), frame.data(), frame.size());
    log->filled(frame.size());
    const deliver::Range range{log->end(), {log->end().position + frame.size(), log->end().sequence + 1}, 1};
    REQUIRE(log->add_run(frame.size(), 1, 1, 1, {&set, 1}));
    ++delivery->edit_tally().matched;
    delivery->give_out(range);
    output->send(*delivery, range, frame.size());
    keeping->commit();
  }
  void pump() {
    now += 2s;
    while (output->pump(now)) {
    }
    delivery->check_invariants();
  }
  // The worker dies, and so does each of its successors at another instant, until one is through with taking up.
  void crash(int instant = 0) {
    end();
    try {
      lives = instant;
      begin(deliver::Output::Made::before);
    } catch (const Died&) {
      end();
      begin(deliver::Output::Made::before);
    }
    died_ = instant > 0 && lives == 0;
    lives = 0;
    delivery->check_invariants();
    CHECK_FALSE(keeping->pending());
  }
  bool died() const { return died_; }  // while it took up

  // As a push that is killed: so much is in the stage, and so much of it went on into the FIFO.
  void die_in_push(std::string_view bytes, std::size_t moved) {
    REQUIRE(::write(kept("stage-in"), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    keeping->begin(log::Step::push, 0, bytes.size());
    if (moved) REQUIRE(::splice(kept("stage-out"), nullptr, kept("fifo"), nullptr, moved, 0) == static_cast<ssize_t>(moved));
  }
  int kept(const std::string& what) const { return keeper.find("output/0/" + what); }
  std::string path() const { return folder / "out"; }
  std::uint64_t delivered() const { return delivery->tally().delivered; }
  // All that comes, to a reader that takes it at once.
  std::string read_on(Reader& reader) {
    std::string bytes;
    for (int i = 0; i < 20; ++i) {
      pump();
      bytes += reader.read();
    }
    pump();
    CHECK(output->idle());
    return bytes;
  }

 private:
  void begin(deliver::Output::Made made) {
    arena.emplace(*keeping);
    log.emplace(*arena, log::LogOptions{.id = 0, .size_max = 1 * MiB, .readers = 1});
    delivery.emplace("in", "it", 0, *log, codec, 0);
    link.emplace(keeper.start());
    deliver::Output::Around around{reporter, [](auto&) {}, [this](auto) -> deliver::Delivery& { return *delivery; }, 16 * KiB, 0};
    output.emplace(plugin::FifoOutputRequest{.path = path(), .resend = resend_}, std::move(around), made);
    output->attach(*keeping, *link, 0);
    arena->forget_unclaimed();
  }
  void end() {
    auto next = std::make_unique<log::Memory>(Fd(::dup(keeping->fd())));
    output.reset();
    link.reset();
    delivery.reset();
    log.reset();
    arena.reset();
    keeping = std::move(next);
  }

  bool resend_, died_ = false;

 public:
  test::TemporaryFolder folder;
  Silent reporter;
  test::Keeping keeper;
  std::unique_ptr<log::Memory> keeping;
  std::optional<log::Arena> arena;
  std::optional<log::Log> log;
  frame::LengthPrefixed codec{1 * MiB};
  std::optional<deliver::Delivery> delivery;
  std::optional<keeper::Link> link;
  std::optional<deliver::Output> output;
  Nanoseconds now{0};
};

}  // namespace

TEST_CASE("whatever a push had moved when it was killed, each byte comes once") {
  const auto stage = framed("second") + framed("third").substr(0, 6);
  for (std::size_t moved = 0; moved <= stage.size(); ++moved) {
    Fixture f;
    Reader reader(f.path());
    f.send("first");
    f.pump();
    f.send("second");
    f.send("third");
    f.die_in_push(stage, moved);
    f.crash();
    CHECK(f.keeping->step() == log::Step::none);
    CHECK(unframed(f.read_on(reader)) == Texts{"first", "second", "third"});
    CHECK(f.delivered() == 3);
  }
}

TEST_CASE("killed again while that is taken up, at any instant, each byte comes once all the same") {
  const auto stage = framed("second") + framed("third").substr(0, 6);
  for (int instant = 1, died = 1; died; ++instant) {
    Fixture f;
    Reader reader(f.path());
    f.send("first");
    f.pump();
    f.send("second");
    f.send("third");
    f.die_in_push(stage, 12);
    f.crash(instant);
    died = f.died();
    REQUIRE((died || instant > 2));
    CHECK(unframed(f.read_on(reader)) == Texts{"first", "second", "third"});
  }
}

TEST_CASE("what only lay in the stage is thrown away, and written again") {
  Fixture f;
  Reader reader(f.path());
  for (int i = 0; i < 100; ++i) f.send(std::string(1000, static_cast<char>('a' + i % 26)));
  f.pump();  // both are full
  f.crash();
  const auto all = unframed(f.read_on(reader));
  REQUIRE(all.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) CHECK(all[i] == std::string(1000, static_cast<char>('a' + i % 26)));
}

TEST_CASE("a step of another output is left to it") {
  Fixture f;
  Reader reader(f.path());
  f.send("first");
  f.pump();
  f.send("second");
  f.keeping->begin(log::Step::push, 1, 100);
  f.crash();
  CHECK(f.keeping->step() == log::Step::push);
  f.keeping->end();
  f.keeping->commit();
  CHECK(unframed(f.read_on(reader)) == Texts{"first", "second"});
}

TEST_CASE(
    "a reader that dies while no worker lives: the next one starts on the frame it was in, at whatever instant the next dies") {
  for (int instant = 1, died = 1; died; ++instant) {
    Fixture f;
    {
      Reader reader(f.path());
      for (const auto* text : {"first", "second", "third"}) f.send(text);
      f.pump();
      CHECK(reader.read(12) == framed("first") + "\x06" + std::string(2, '\0'));
    }
    f.crash(instant);
    died = f.died();
    REQUIRE((died || instant > 2));
    Reader next(f.path());
    CHECK(unframed(f.read_on(next)) == Texts{"second", "third"});
    CHECK(f.delivered() == 3);
  }
}

TEST_CASE("count, and a reader that dies while no worker lives: what is in the pipe is the next one's") {
  Fixture f(false);
  {
    Reader reader(f.path());
    for (const auto* text : {"first", "second"}) f.send(text);
    f.pump();
    CHECK(reader.read(3).size() == 3);
  }
  f.crash();
  CHECK(f.delivered() == 2);
  Reader next(f.path());
  CHECK(next.read() == (framed("first") + framed("second")).substr(3));
}

TEST_CASE("killed while it takes back what a dead reader left, the next worker goes on with that") {
  for (int instant = 1, died = 1; died; ++instant) {
    Fixture f;
    {
      Reader reader(f.path());
      for (const auto* text : {"first", "second", "third"}) f.send(text);
      f.pump();
      CHECK(reader.read(12).size() == 12);
    }
    died = 0;
    try {
      lives = instant;
      f.output->on_event(EPOLLERR, f.now);
    } catch (const Died&) {
      died = 1;
    }
    lives = 0;
    f.crash();
    REQUIRE((died || instant > 4));
    Reader next(f.path());
    CHECK(unframed(f.read_on(next)) == Texts{"second", "third"});
  }
}

TEST_CASE("a FIFO that is lost while what a dead reader left is taken back: what it had not taken comes again") {
  Fixture f;
  {
    Reader reader(f.path());
    for (const auto* text : {"first", "second", "third"}) f.send(text);
    f.pump();
    CHECK(reader.read(12).size() == 12);
  }
  lives = 5;  // the look is over
  CHECK_THROWS_AS(f.output->on_event(EPOLLERR, f.now), Died);
  for (const auto* what : {"fifo", "stage-in", "stage-out"}) f.link->forget(std::string("output/0/") + what);
  f.crash();
  Reader next(f.path());
  CHECK(unframed(f.read_on(next)) == Texts{"second", "third"});
}

TEST_CASE("killed before the keeper had the FIFO, it is opened anew") {
  Fixture f;
  f.send("first");
  f.crash();
  Reader reader(f.path());
  CHECK(unframed(f.read_on(reader)) == Texts{"first"});
}

TEST_CASE("an output of which the keeper has not all is opened anew") {
  Fixture f;
  Reader reader(f.path());
  f.send("first");
  f.pump();
  CHECK(unframed(reader.read()) == Texts{"first"});
  f.pump();
  f.link->forget("output/0/stage-out");
  f.crash();
  f.send("second");
  CHECK(unframed(f.read_on(reader)) == Texts{"second"});
}

TEST_CASE("what a reader took last is known to the next worker, too") {
  Fixture f;
  {
    Reader reader(f.path());
    for (int i = 0; i < 10; ++i) f.send(std::string(4000, 'x'));  // more than one entry
    CHECK(unframed(f.read_on(reader)).size() == 10);
    f.crash();
    f.send("last");
    CHECK(unframed(f.read_on(reader)) == Texts{"last"});
  }
  f.output->on_event(EPOLLERR, f.now);
  CHECK(f.delivery->tally().unacknowledged == 11);
}

TEST_CASE("a record whose marks are out of order is not believed") {
  Fixture f;
  Reader reader(f.path());
  f.send("first");
  f.pump();
  const auto bytes = f.keeping->find("output/" + f.path());
  const_cast<std::byte&>(bytes[0]) = std::byte{0xff};
  CHECK_THROWS_AS(f.crash(), log::Memory::Damaged);
}
