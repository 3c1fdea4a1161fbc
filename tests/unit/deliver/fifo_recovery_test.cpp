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
#include "deliver/one_output.h"

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

// A FIFO, and a worker that dies. Verbs: send, pump, crash, die_in_push, read_on.
class Fixture : public test::OneOutput {
 public:
  explicit Fixture(bool resend = true)
      : OneOutput(
            [resend](const auto& in) {
              return plugin::FifoOutputRequest{.path = in / "out", .resend = resend};
            },
            16 * KiB) {}
  void pump() {
    now += 2s;
    while (output->pump(now)) {
    }
    delivery->check_invariants();
  }
  // The worker dies, and so does each of its successors at another instant, until one is through
  // with taking up.
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
    REQUIRE(::write(kept("stage-in"), bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
    keeping->begin(state::Step::push, 0, bytes.size());
    if (moved)
      REQUIRE(::splice(kept("stage-out"), nullptr, kept("fifo"), nullptr, moved, 0) ==
              static_cast<ssize_t>(moved));
  }
  int kept(const std::string& what) const { return keeper.find("output/0/" + what); }
  std::string path() const { return folder / "out"; }
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

  Nanoseconds now{0};

 private:
  bool died_ = false;
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
    CHECK(f.keeping->step() == state::Step::none);
    CHECK(unframed(f.read_on(reader)) == Texts{"first", "second", "third"});
    CHECK(f.delivered() == 3);
  }
}

TEST_CASE("killed again during that recovery, at any instant, each byte comes once all the same") {
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
  for (std::size_t i = 0; i < 100; ++i)
    CHECK(all[i] == std::string(1000, static_cast<char>('a' + i % 26)));
}

TEST_CASE("a step of another output is left to it") {
  Fixture f;
  Reader reader(f.path());
  f.send("first");
  f.pump();
  f.send("second");
  f.keeping->begin(state::Step::push, 1, 100);
  f.crash();
  CHECK(f.keeping->step() == state::Step::push);
  f.keeping->end();
  f.keeping->commit();
  CHECK(unframed(f.read_on(reader)) == Texts{"first", "second"});
}

TEST_CASE(
    "a reader that dies while no worker lives: the next one starts on the frame it was in, at "
    "whatever instant the next dies") {
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

TEST_CASE(
    "count, and a reader that dies while no worker lives: what is in the pipe is the next one's") {
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

TEST_CASE(
    "killed while it takes back what a dead reader left, the next worker continues with that") {
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

TEST_CASE(
    "a FIFO that is lost while what a dead reader left is taken back: what it had not taken is "
    "redelivered") {
  Fixture f;
  {
    Reader reader(f.path());
    for (const auto* text : {"first", "second", "third"}) f.send(text);
    f.pump();
    CHECK(reader.read(12).size() == 12);
  }
  lives = 5;  // the look is over
  CHECK_THROWS_AS(f.output->on_event(EPOLLERR, f.now), Died);
  for (const auto* what : {"fifo", "stage-in", "stage-out"})
    f.link->forget(std::string("output/0/") + what);
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

TEST_CASE("all that a dead reader took is counted, also of messages that were sent together") {
  const bool resend = GENERATE(true, false);
  Fixture f(resend);
  {
    Reader reader(f.path());
    for (const auto* text : {"aaaa", "bbbb", "cccc", "dddd"}) f.send(text);  // all but one together
    f.pump();
    CHECK(reader.read(28).size() == 28);  // three, and half of the fourth
  }
  f.output->on_event(EPOLLERR, f.now);
  CHECK(f.delivery->tally().unacknowledged == 3);
  Reader next(f.path());
  f.send("eeee");
  CHECK(f.read_on(next) == (resend ? framed("dddd") : std::string("dddd")) + framed("eeee"));
}

TEST_CASE("a record whose marks are out of order is refused") {
  Fixture f;
  Reader reader(f.path());
  f.send("first");
  f.pump();
  const auto bytes = f.keeping->find("queue/" + f.path());
  const_cast<std::byte&>(bytes[0]) = std::byte{0xff};
  CHECK_THROWS_AS(f.crash(), state::Memory::Damaged);
}
