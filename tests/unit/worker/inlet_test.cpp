// SPDX-License-Identifier: Apache-2.0
#include "worker/inlet.h"

#include <fcntl.h>
#include <standpipe/wire.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/failure.h"
#include "base/limits.h"
#include "temporary_folder.h"

using namespace standpipe;
using namespace std::chrono_literals;

namespace {

class ManualClock final : public Clock {
 public:
  Nanoseconds steady() const override { return now; }
  Nanoseconds wall() const override { return now; }
  Nanoseconds now{1s};
};

class Quiet final : public Reporter {
 public:
  void say(const Diagnostic& d) override { said.push_back(d); }
  std::vector<Diagnostic> said;
};

std::string header(std::uint32_t length) {
  std::uint8_t bytes[STANDPIPE_WIRE_HEADER_BYTES];
  standpipe_wire_put_length(bytes, length);
  return {reinterpret_cast<const char*>(bytes), sizeof bytes};
}
std::string framed(const std::string& payload) { return header(static_cast<std::uint32_t>(payload.size())) + payload; }

class Writer {
 public:
  explicit Writer(const std::string& path) : fd_(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) { REQUIRE(fd_); }
  int fd() const { return fd_.get(); }
  void write(std::string_view bytes) {
    REQUIRE(::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }

 private:
  Fd fd_;
};

// Sources with one delivery each, all in one arena. Events are what the test says.
class Fixture {
 public:
  explicit Fixture(std::uint64_t memory = 4 * MiB, std::size_t sources = 1, std::uint64_t largest = 1 * MiB,
                   std::uint64_t most = kLogSizeDefault)
      : message_max(largest),
        log_max(most),

        keeping(std::make_unique<log::Memory>(log::MemoryPlan{.memory_max = memory, .logs = sources, .deliveries = sources})),
        stage(Pipe::make(kStageBytes)),
        dev_null(::open("/dev/null", O_WRONLY | O_CLOEXEC)) {
    begin(std::vector<std::optional<Fd>>(sources));
  }
  // The worker dies, and the next one takes up what it left.
  void crash() {
    auto next = std::make_unique<log::Memory>(Fd(::dup(keeping->fd())));
    std::vector<std::optional<Fd>> kept;
    for (const auto& inlet : inlets) kept.emplace_back(Fd(::dup(inlet->fifo().fd())));
    deliveries.clear();
    inlets.clear();
    keeping = std::move(next);
    begin(std::move(kept));
    for (auto& inlet : inlets) inlet->take_up(stage, dev_null.get());
    arena->forget_unclaimed();
    for (auto& inlet : inlets) inlet->check_invariants();
    CHECK(keeping->step() == log::Step::none);
    CHECK_FALSE(keeping->pending());
  }
  // As a step that is killed: so much came into the stage; that was told, or not; so much of it was read on.
  void die_in(log::Step step, std::size_t bytes, bool told, std::size_t read, std::size_t i = 0) {
    const auto room = inlets[i]->log().room(0);
    keeping->commit();
    keeping->begin(step, i);
    if (bytes)
      REQUIRE(::splice(inlets[i]->fifo().fd(), nullptr, stage.write_end.get(), nullptr, bytes, 0) == static_cast<ssize_t>(bytes));
    if (told) keeping->moved(bytes);
    if (read) REQUIRE(::read(stage.read_end.get(), room.data(), read) == static_cast<ssize_t>(read));
  }

  std::string path(std::size_t i = 0) { return inlets[i]->fifo().path(); }
  worker::Inlet::Turn accept(std::size_t i = 0) {
    auto turn = inlets[i]->accept(stage, dev_null.get());
    while (turn == worker::Inlet::Turn::more) turn = inlets[i]->accept(stage, dev_null.get());
    inlets[i]->check_invariants();
    return turn;
  }
  void writers_left(std::size_t i = 0) {
    inlets[i]->on_event(EPOLLHUP);
    accept(i);
  }
  // The beginning of a frame of 2 MiB: its length is known with the first byte, its memory asked for with the second.
  void begin_large(Writer& writer, std::size_t i) {
    writer.write(header(2 * MiB) + "a");
    accept(i);
    writer.write("a");
    accept(i);
  }
  // Takes all payloads that arrived.
  std::vector<std::string> take(std::size_t i = 0) {
    std::vector<std::string> payloads;
    auto& d = *deliveries[i];
    auto at = d.next();
    while (const auto piece = d.log().read(at, 0)) {
      auto bytes = std::string_view(reinterpret_cast<const char*>(piece->bytes.data()), piece->bytes.size());
      while (!bytes.empty()) {
        const auto n = standpipe_wire_get_length(reinterpret_cast<const std::uint8_t*>(bytes.data()));
        payloads.emplace_back(bytes.substr(STANDPIPE_WIRE_HEADER_BYTES, n));
        bytes.remove_prefix(STANDPIPE_WIRE_HEADER_BYTES + n);
      }
      d.give_out({piece->begin, piece->end, piece->count});
      d.finish({piece->begin, piece->end, piece->count});
      d.edit_tally().delivered += piece->count;
      at = piece->end;
    }
    keeping->commit();
    d.check_invariants();
    inlets[i]->trim();
    return payloads;
  }
  void take_last(std::size_t i = 0) {
    arena->lift_limit();
    inlets[i]->take_last(stage, dev_null.get(), 7777, std::chrono::milliseconds(300));
    inlets[i]->check_invariants();
  }
  // The hub stops, and another one starts.
  void next_hub(const std::function<void()>& meanwhile = [] {}) {
    take_last();
    const auto note = inlets[0]->stop_note();
    deliveries.clear();
    inlets.clear();
    meanwhile();
    keeping = std::make_unique<log::Memory>(log::MemoryPlan{.memory_max = 4 * MiB, .logs = 1, .deliveries = 1});
    begin(std::vector<std::optional<Fd>>(1));
    inlets[0]->resume(&note, stage, dev_null.get());
  }
  const deliver::Intake& books(std::size_t i = 0) const { return inlets[i]->books(); }

  test::TemporaryFolder folder;
  ManualClock clock;
  Quiet reporter;
  std::uint64_t message_max, log_max;
  std::unique_ptr<log::Memory> keeping;
  std::optional<log::Arena> arena;
  Pipe stage;
  Fd dev_null;
  std::vector<std::unique_ptr<worker::Inlet>> inlets;
  std::vector<std::unique_ptr<deliver::Delivery>> deliveries;

 private:
  void begin(std::vector<std::optional<Fd>> kept) {
    arena.emplace(*keeping);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto name = "in" + std::to_string(i);
      source::FifoOptions options{.name = name, .path = folder / name};
      options.message_size_max = message_max;
      options.log_size_max = log_max;
      match::RouteOptions route;
      route.from = {i};
      route.to = {0};
      inlets.push_back(std::make_unique<worker::Inlet>(options, i, *arena, match::Matcher(i, {route}, {}), clock, reporter, false,
                                                       std::move(kept[i])));
      deliveries.push_back(inlets.back()->make_delivery(0, "it", static_cast<std::uint32_t>(i)));
    }
    keeping->commit();
  }
};

using Payloads = std::vector<std::string>;

}  // namespace

TEST_CASE("what is left in a FIFO waits for the next look by the clock; epoll would not tell of it again") {
  Fixture f;
  auto& fifo = f.inlets[0]->fifo();
  fifo.grow(1 * MiB);
  const Fd writer(::open(f.path().c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(::fcntl(writer.get(), F_SETFL, O_DIRECT) == 0);  // a packet is a slot of a pipe
  const auto slots = ::fcntl(f.stage.write_end.get(), F_SETPIPE_SZ, 16 * 4096) / 4096;
  const auto packet = framed("packet");
  const auto write = [&](int packets) {
    for (int i = 0; i < packets; ++i)
      REQUIRE(::write(writer.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size()));
  };
  const auto turn = [&] { return f.inlets[0]->accept(f.stage, f.dev_null.get()); };
  write(slots + 3);
  CHECK(turn() == worker::Inlet::Turn::more);
  CHECK(turn() == worker::Inlet::Turn::idle);
  f.inlets[0]->moderation().go_on();
  write(slots + 3);
  CHECK(turn() == worker::Inlet::Turn::idle);
  CHECK(fifo.waiting() == 3 * packet.size());
  write(2 * slots);  // more than one look takes
  CHECK(turn() == worker::Inlet::Turn::more);
}

TEST_CASE("three frames cut at every byte arrive the same") {
  const Payloads sent = {"alpha", "", std::string(40, 'x')};
  std::string stream;
  for (const auto& s : sent) stream += framed(s);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Fixture f;
    Writer writer(f.path());
    if (cut) writer.write(std::string_view(stream).substr(0, cut));
    f.accept();
    if (cut < stream.size()) writer.write(std::string_view(stream).substr(cut));
    f.accept();
    CHECK(f.take() == sent);
  }
}

TEST_CASE("one byte at a time arrives the same") {
  Fixture f;
  Writer writer(f.path());
  for (const char c : framed("hello") + framed("") + framed("world")) {
    writer.write({&c, 1});
    f.accept();
  }
  CHECK(f.take() == Payloads{"hello", "", "world"});
}

TEST_CASE("a frame cut short is said with its place, counted, and does not touch what comes next") {
  Fixture f;
  Writer(f.path()).write(framed("whole") + header(100) + "only this");
  f.accept();
  f.writers_left();
  REQUIRE(f.reporter.said.size() == 1);
  CHECK(f.reporter.said[0].message == "in0: a frame was cut short: its writer left after 13 bytes of 104");
  CHECK(f.reporter.said[0].notes ==
        Payloads{"at offset 9 of " + f.path() + ": 64 00 00 00 6f 6e 6c 79 20 74 68 69 73  d...only this"});
  Writer(f.path()).write(framed("next"));
  f.accept();
  CHECK(f.take() == Payloads{"whole", "next"});
  CHECK(f.books().truncated == 1);
  CHECK(f.books().discarded_bytes == 13);
  CHECK(f.books().accepted == 2);
}

TEST_CASE("plain text is recognised, and drained until its writers have gone") {
  Fixture f;
  {
    Writer writer(f.path());
    writer.write("hello\n");
    f.accept();
    REQUIRE(f.reporter.said.size() == 1);
    CHECK(f.reporter.said[0].message == "in0: a frame claims 1,819,043,176 bytes (limit 1,048,576)");
    CHECK(f.reporter.said[0].notes[1] == "its length is the text \"hell\": a writer sends plain text, not frames");
    writer.write(framed("after garbage"));
    f.accept();
  }
  f.writers_left();
  Writer(f.path()).write(framed("sound"));
  f.accept();
  CHECK(f.take() == Payloads{"sound"});
  CHECK(f.books().bad_frame == 1);
  CHECK(f.books().discarded_bytes == 6 + 17);
}

TEST_CASE("text behind a frame of the same stream is told as text between frames, in a new stream as plain text") {
  Fixture f;
  {
    Writer writer(f.path());
    writer.write(framed("good") + "debug: on\n");
    f.accept();
    REQUIRE(f.reporter.said.size() == 1);
    CHECK(f.reporter.said[0].notes[1].find("a writer prints text between its frames") != std::string::npos);
  }
  f.writers_left();
  Writer(f.path()).write("hello\n");
  f.accept();
  REQUIRE(f.reporter.said.size() == 3);
  CHECK(f.reporter.said[2].notes[1].ends_with("a writer sends plain text, not frames"));
}

TEST_CASE("lengths in the other byte order are told as such") {
  Fixture f;
  Writer(f.path()).write(std::string("\0\0\0\x08xxxxxxxx", 12));
  f.accept();
  REQUIRE(f.reporter.said.size() == 1);
  CHECK(f.reporter.said[0].notes[1].find("big endian") != std::string::npos);
}

TEST_CASE("who drains because of a writer that stays says so again, more seldom each time, whatever worker it is") {
  Fixture f;
  CHECK_FALSE(f.inlets[0]->reminder_due());
  Writer writer(f.path());
  writer.write("hello\n");
  f.accept();
  const auto began = f.clock.now;
  CHECK(f.inlets[0]->state().kind == worker::SourceState::Kind::draining);
  CHECK(f.inlets[0]->state().discarded_bytes == 6);
  CHECK(f.inlets[0]->state().since == began);
  auto due = *f.inlets[0]->reminder_due();
  f.inlets[0]->remind();  // not due
  CHECK(f.reporter.said.size() == 1);
  Nanoseconds pause{0};
  for (std::size_t i = 1; i <= 12; ++i) {
    CHECK(due - f.clock.now > pause);
    pause = due - f.clock.now;
    f.clock.now = due;
    if (i == 2) f.crash();
    f.inlets[0]->remind();
    CHECK(f.reporter.said.size() == 1 + i);
    due = *f.inlets[0]->reminder_due();
  }
  CHECK(f.reporter.said[1].message == "in0: for 1 minute all that comes is drained (6 bytes), because of a bad frame");
  CHECK(f.reporter.said[1].help[0].find(f.path()) != std::string::npos);
}

TEST_CASE("what drained and listens again is not reminded of") {
  Fixture f;
  {
    Writer writer(f.path());
    writer.write("hello\n");
    f.accept();
  }
  f.writers_left();
  CHECK_FALSE(f.inlets[0]->draining());
  CHECK_FALSE(f.inlets[0]->reminder_due());
  f.clock.now += 24h;
  f.inlets[0]->remind();
  CHECK(f.reporter.said.back().message == "in0: its writers have gone; 6 bytes drained, listening again");
}

TEST_CASE("a message of just the limit passes, one byte more does not") {
  Fixture f(4 * MiB, 1, 1000);
  Writer writer(f.path());
  writer.write(framed(std::string(1000, 'x')));
  f.accept();
  CHECK(f.take().size() == 1);
  writer.write(framed(std::string(1001, 'x')));
  f.accept();
  CHECK(f.books().bad_frame == 1);
}

TEST_CASE("a stopping source takes what waited and the rest of the frame it ends in, and all else at its end") {
  Fixture f;
  Writer writer(f.path());
  writer.write(framed("waits") + header(10) + "01234");
  f.inlets[0]->begin_stop();
  f.accept();
  CHECK_FALSE(f.inlets[0]->stopped());
  writer.write("56789" + framed("later"));
  f.accept();
  CHECK(f.inlets[0]->stopped());
  CHECK(f.take() == Payloads{"waits", "0123456789"});
  f.take_last();
  CHECK(f.inlets[0]->is_sealed());
  CHECK(f.take() == Payloads{"later"});
}

TEST_CASE("a stopping source completes a frame of whose length it has a part") {
  Fixture f;
  Writer writer(f.path());
  writer.write(header(3).substr(0, 2));
  f.inlets[0]->begin_stop();
  f.accept();
  writer.write(header(3).substr(2) + "abc" + framed("no"));
  f.accept();
  CHECK(f.take() == Payloads{"abc"});
  CHECK(f.inlets[0]->stopped());
}

TEST_CASE("while a stopping hub only closes, a source is read as far as its log has room") {
  Fixture f;
  Writer writer(f.path());
  f.inlets[0]->begin_stop();
  f.accept();
  CHECK(f.inlets[0]->stopped());
  f.inlets[0]->read_on();
  writer.write(framed("comes"));
  f.accept();
  CHECK(f.take() == Payloads{"comes"});
}

TEST_CASE("a source that must stop takes all that was written, though its log is full and memory is short") {
  Fixture f(1 * MiB, 1, 128 * KiB, 16 * MiB);
  Writer writer(f.path());
  std::uint64_t sent = 0;
  for (bool full = false; !full; full = f.accept() == worker::Inlet::Turn::full) {
    for (int i = 0; i < 3; ++i, ++sent) writer.write(framed(std::string(997, 'x')));
  }
  CHECK(f.inlets[0]->waits_for_arena());
  f.inlets[0]->begin_stop();
  for (int i = 0; i < 30; ++i, ++sent) writer.write(framed(std::string(997, 'x')));
  f.take_last();
  CHECK(f.books().accepted == sent);
  CHECK(f.books().truncated == 0);
  CHECK(f.take().size() == sent);
}

TEST_CASE("after the last bytes nothing can be written, and a writer that waits is refused when the hub has gone") {
  Fixture f;
  std::optional<Writer> writer(f.path());
  f.take_last();
  const auto page = framed("late");
  CHECK(::write(writer->fd(), page.data(), page.size()) == -1);
  CHECK(errno == EAGAIN);
  f.inlets.clear();
  ::signal(SIGPIPE, SIG_IGN);
  CHECK(::write(writer->fd(), page.data(), page.size()) == -1);
  CHECK(errno == EPIPE);
}

TEST_CASE("a writer that must be refused may be quick: all that it wrote is taken") {
  Fixture f(64 * MiB);
  const auto path = f.path();
  std::uint64_t written = 0;
  std::thread writing([&] {
    ::signal(SIGPIPE, SIG_IGN);
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const auto message = framed(std::string(100, 'x'));
    while (::write(fd.get(), message.data(), message.size()) == static_cast<ssize_t>(message.size())) ++written;
  });
  while (f.books().accepted < 1000) f.accept();
  f.take_last();
  CHECK(f.inlets[0]->is_sealed());
  const auto accepted = f.books().accepted;
  f.deliveries.clear();
  f.inlets.clear();
  writing.join();
  CHECK(accepted == written);
}

TEST_CASE("a source that must stop inside a frame whose rest does not come books that, or keeps a part of a length") {
  for (const std::size_t came : {1u, 3u, 4u, 7u}) {
    Fixture f;
    Writer writer(f.path());
    writer.write(framed("0123456789").substr(0, came));
    f.accept();
    f.take_last();
    CHECK(f.books().truncated == (came < 4 ? 0 : 1));
    CHECK(f.books().discarded_bytes == (came < 4 ? 0 : came));
    const auto note = f.inlets[0]->stop_note();
    CHECK(note.head_bytes == (came < 4 ? came : 0));
    CHECK(note.skip == (came < 4 ? 0 : 14 - came));
  }
}

TEST_CASE("the next hub takes exactly the rest of a frame that the last one abandoned for no message") {
  const auto frame = framed("0123456789");
  for (std::size_t came = 1; came < frame.size(); ++came) {
    Fixture f;
    Writer writer(f.path());
    writer.write(framed("first") + frame.substr(0, came));
    f.accept();
    f.next_hub();
    writer.write(frame.substr(came) + framed("good"));
    f.accept();
    CHECK(f.take() == (came < 4 ? Payloads{"0123456789", "good"} : Payloads{"good"}));
    CHECK(f.books().bad_frame == 0);
  }
}

TEST_CASE("a frame whose writer left is owed by nobody: the next hub skips nothing") {
  for (const bool leaves_before : {true, false}) {
    Fixture f;
    std::optional<Writer> writer(f.path());
    writer->write(framed("0123456789").substr(0, 8));
    f.accept();
    if (leaves_before) writer.reset();
    f.next_hub([&] { writer.reset(); });
    Writer other(f.path());
    other.write(framed("good"));
    f.accept();
    CHECK(f.take() == Payloads{"good"});
  }
}

TEST_CASE("a source that was draining when the hub stopped goes on with that, as long as its writers stay") {
  Fixture f;
  std::optional<Writer> writer(f.path());
  writer->write("hello, plain text");
  f.accept();
  CHECK(f.books().bad_frame == 1);
  f.next_hub();
  writer->write(framed("not trusted"));
  f.accept();
  CHECK(f.take().empty());
  CHECK(f.books().bad_frame == 0);
  writer.reset();
  f.writers_left();
  Writer(f.path()).write(framed("good"));
  f.accept();
  CHECK(f.take() == Payloads{"good"});
}

TEST_CASE("what a worker took last before it died is not taken again by the next one") {
  Fixture f;
  Writer writer(f.path());
  writer.write(framed("one"));
  f.take_last();
  f.crash();
  f.take_last();
  CHECK(f.inlets[0]->is_sealed());
  CHECK(f.take() == Payloads{"one"});
  CHECK(f.books().discarded_bytes == 0);
}

TEST_CASE("a large frame that stands still is given up when others wait, and exactly its rest is skipped") {
  Fixture f(4 * MiB, 2, 2 * MiB);
  Writer slow(f.path(0)), other(f.path(1));
  f.begin_large(slow, 0);
  f.begin_large(other, 1);
  CHECK(f.accept(1) == worker::Inlet::Turn::full);
  CHECK(f.inlets[1]->waits_for_arena());
  f.clock.now += kDribbleMax - 1s;
  CHECK_FALSE(f.inlets[0]->end_dribble());
  f.clock.now += 1s;
  CHECK(f.inlets[0]->end_dribble());
  CHECK(f.books(0).truncated == 1);
  CHECK(f.accept(1) == worker::Inlet::Turn::idle);
  const std::string some(32 * KiB, 'a');
  for (std::size_t left = 2 * MiB - 2; left > 0;) {
    const auto n = std::min(left, some.size());
    slow.write(std::string_view(some).substr(0, n));
    f.accept(0);
    left -= n;
  }
  slow.write(framed("in step again"));
  f.accept(0);
  CHECK(f.take(0) == Payloads{"in step again"});
  CHECK(f.books(0).bad_frame == 0);
}

TEST_CASE("a writer that had no room is not to blame, nor one whose bytes were not looked at yet") {
  Fixture f(4 * MiB, 2, 2 * MiB);
  Writer first(f.path(0)), second(f.path(1));
  f.begin_large(second, 1);
  f.begin_large(first, 0);
  CHECK(f.accept(0) == worker::Inlet::Turn::full);
  f.clock.now += 2 * kDribbleMax;
  CHECK_FALSE(f.inlets[0]->end_dribble());
  second.write("more");
  CHECK_FALSE(f.inlets[1]->end_dribble());
  f.accept(1);
  f.clock.now += kDribbleMax;
  CHECK(f.inlets[1]->end_dribble());
  CHECK(f.accept(0) == worker::Inlet::Turn::idle);  // has room since now
  CHECK_FALSE(f.inlets[0]->end_dribble());
  f.clock.now += kDribbleMax;
  CHECK(f.inlets[0]->end_dribble());
}

TEST_CASE("a frame that waits for memory and whose writer has gone does not keep its turn") {
  Fixture f(4 * MiB, 2, 2 * MiB);
  Writer first(f.path(0));
  f.begin_large(first, 0);
  {
    Writer second(f.path(1));
    f.begin_large(second, 1);
    CHECK(f.accept(1) == worker::Inlet::Turn::full);
  }
  f.inlets[1]->on_event(EPOLLHUP);
  CHECK(f.accept(1) == worker::Inlet::Turn::idle);
  CHECK(f.books(1).truncated == 1);
  CHECK_FALSE(f.arena->large_waits());
  Writer(f.path(1)).write(framed("next"));
  f.accept(1);
  CHECK(f.take(1) == Payloads{"next"});
}

// ---- after a death

TEST_CASE("killed at any place of an accept, every byte comes once") {
  const Payloads sent = {"alpha", "", "beta"};
  std::string stream;
  for (const auto& s : sent) stream += framed(s);
  for (std::size_t moved = 0; moved <= stream.size(); ++moved) {
    for (std::size_t read = 0; read <= moved; ++read) {
      for (const bool told : {true, false}) {
        if (!told && read > 0) continue;  // it is told before the first byte is read
        Fixture f;
        Writer writer(f.path());
        writer.write(stream);
        f.die_in(log::Step::accept, moved, told, read);
        f.crash();
        f.accept();
        REQUIRE(f.take() == sent);
        CHECK(f.books().bytes == stream.size());
      }
    }
  }
}

TEST_CASE("killed again while an accept is taken up, every byte comes once") {
  const auto stream = framed("alpha") + framed("beta");
  for (std::size_t read = 0; read <= stream.size(); ++read) {
    Fixture f;
    Writer writer(f.path());
    writer.write(stream);
    f.die_in(log::Step::accept, stream.size(), false, 0);
    f.keeping->moved(stream.size());  // as far as its first successor came ...
    const auto room = f.inlets[0]->log().same_room(stream.size());
    REQUIRE(::read(f.stage.read_end.get(), room.data(), read) == static_cast<ssize_t>(read));
    if (read == stream.size()) {
      f.inlets[0]->log().filled(read);  // ... up to its commit
      f.keeping->end();
    }
    f.crash();
    f.accept();
    CHECK(f.take() == Payloads{"alpha", "beta"});
  }
}

TEST_CASE("killed behind the commit of an accept, what it brought is found and nothing is waited for") {
  Fixture f;
  Writer writer(f.path());
  writer.write(framed("alpha") + header(4) + "be");
  f.accept();
  f.crash();
  CHECK(f.take() == Payloads{"alpha"});
  writer.write("ta");
  f.accept();
  CHECK(f.take() == Payloads{"beta"});
}

TEST_CASE("the step of one source is not another's") {
  Fixture f(4 * MiB, 2);
  Writer first(f.path(0)), second(f.path(1));
  first.write(framed("one"));
  second.write(framed("two"));
  f.die_in(log::Step::accept, 7, false, 0, 1);
  f.crash();
  f.accept(0);
  f.accept(1);
  CHECK(f.take(0) == Payloads{"one"});
  CHECK(f.take(1) == Payloads{"two"});
}

TEST_CASE("killed at any place of throwing away, each byte is counted once, and the stream goes on where it ends") {
  for (std::size_t moved = 0; moved <= 9; ++moved) {
    for (const bool told : {true, false}) {
      for (const std::size_t read : {std::size_t{0}, moved}) {
        if (!told && read > 0) continue;
        Fixture f;
        {
          Writer writer(f.path());
          writer.write("hello\n");
          f.accept();
          writer.write("more text");
          f.die_in(log::Step::discard, moved, told, read);
          f.crash();
          f.accept();
        }
        f.writers_left();
        Writer(f.path()).write(framed("sound"));
        f.accept();
        CHECK(f.take() == Payloads{"sound"});
        CHECK(f.books().discarded_bytes == 6 + 9);
      }
    }
  }
}

TEST_CASE("killed while the rest of a frame is skipped, exactly its rest is skipped") {
  for (const std::size_t moved : {0u, 1u, 100u}) {
    Fixture f(4 * MiB, 2, 2 * MiB);
    Writer slow(f.path(0)), other(f.path(1));
    f.begin_large(slow, 0);
    f.begin_large(other, 1);
    f.accept(1);
    f.clock.now += kDribbleMax;
    REQUIRE(f.inlets[0]->end_dribble());
    f.keeping->commit();
    std::string rest(2 * MiB - 2, 'a');
    for (std::size_t at = 0; at < rest.size();) {
      const auto n = std::min<std::size_t>(rest.size() - at, 32 * KiB);
      slow.write(std::string_view(rest).substr(at, n));
      if (at == 0 && moved) f.die_in(log::Step::discard, moved, false, 0);
      if (at == 0) f.crash();
      f.accept(0);
      at += n;
    }
    slow.write(framed("in step again"));
    f.accept(0);
    CHECK(f.take(0) == Payloads{"in step again"});
    CHECK(f.books(0).discarded_bytes == 2 * MiB + 4);
  }
}

TEST_CASE("more in the stage than was moved there is not believed") {
  Fixture f;
  Writer writer(f.path());
  writer.write(framed("alpha"));
  f.die_in(log::Step::accept, 9, false, 0);
  f.keeping->moved(5);
  CHECK_THROWS_AS(f.crash(), log::Memory::Damaged);
}

TEST_CASE("writers that left while no worker lived are seen to be gone") {
  Fixture f;
  Writer(f.path()).write(framed("whole") + header(9) + "torn");
  f.crash();
  f.accept();
  CHECK(f.take() == Payloads{"whole"});
  CHECK(f.books().truncated == 1);
}

// ---- its FIFO's name

namespace {

// As the hub does on its timer: whoever finds the name gone takes a turn to see whether all was read.
void patrol(Fixture& f) {
  if (f.inlets[0]->is_reachable()) return;
  f.inlets[0]->look_for_end();
  f.accept();
}

bool is_serving(const Fixture& f) { return f.inlets[0]->state().kind == worker::SourceState::Kind::serving; }

}  // namespace

TEST_CASE("a FIFO that is removed while nobody writes is found, said once, and made again") {
  Fixture f;
  patrol(f);
  CHECK(is_serving(f));
  ::unlink(f.path().c_str());
  patrol(f);
  CHECK_FALSE(is_serving(f));
  CHECK(f.inlets[0]->state().reason.find("was removed") != std::string::npos);
  REQUIRE(f.inlets[0]->wants_fifo());
  patrol(f);
  CHECK(f.reporter.said.size() == 1);
  CHECK(f.reporter.said[0].code == "fifo-gone");
  f.inlets[0]->reopen();
  CHECK(is_serving(f));
  Writer writer(f.path());
  writer.write(framed("by the new one"));
  f.accept();
  CHECK(f.take() == Payloads{"by the new one"});
}

TEST_CASE("what lies in a FIFO that was replaced is read first, and writers that have it open are served until they close") {
  Fixture f;
  {
    Writer old(f.path());
    old.write(framed("one"));
    ::unlink(f.path().c_str());
    REQUIRE(::mkfifo(f.path().c_str(), 0600) == 0);
    patrol(f);
    CHECK(f.take() == Payloads{"one"});
    CHECK_FALSE(f.inlets[0]->wants_fifo());
    CHECK(f.inlets[0]->state().reason.find("replaced by another FIFO") != std::string::npos);
    old.write(framed("two"));
    patrol(f);
    CHECK(f.take() == Payloads{"two"});
    CHECK_FALSE(f.inlets[0]->wants_fifo());
  }
  f.writers_left();
  REQUIRE(f.inlets[0]->wants_fifo());
  f.inlets[0]->reopen();
  Writer writer(f.path());
  writer.write(framed("three"));
  f.accept();
  CHECK(f.take() == Payloads{"three"});
}

TEST_CASE("a file in the FIFO's place is said once, with the remedy, until it is gone") {
  Fixture f;
  ::unlink(f.path().c_str());
  { const Fd file(::open(f.path().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }
  patrol(f);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(f.inlets[0]->wants_fifo());
    try {
      f.inlets[0]->reopen();
      FAIL("a file was taken for a FIFO");
    } catch (const Failure& failure) {
      f.inlets[0]->cannot_reopen(failure);
    }
    patrol(f);
  }
  REQUIRE(f.reporter.said.size() == 2);
  CHECK(f.reporter.said[1].code == "source");
  CHECK(f.inlets[0]->state().reason.find("is a regular file, not a FIFO") != std::string::npos);
  ::unlink(f.path().c_str());
  f.inlets[0]->reopen();
  CHECK(is_serving(f));
}

TEST_CASE("a FIFO that is moved away and back is the same one, and goes on") {
  Fixture f;
  const auto aside = f.path() + ".aside";
  Writer writer(f.path());
  REQUIRE(::rename(f.path().c_str(), aside.c_str()) == 0);
  patrol(f);
  CHECK_FALSE(is_serving(f));
  REQUIRE(::rename(aside.c_str(), f.path().c_str()) == 0);
  patrol(f);
  CHECK(is_serving(f));
  writer.write(framed("still here"));
  f.accept();
  CHECK(f.take() == Payloads{"still here"});
}
