// SPDX-License-Identifier: Apache-2.0
#include "worker/last_bytes.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <optional>
#include <thread>

#include "worker/fifo_sources.h"

using namespace standpipe;
using namespace test;

TEST_CASE(
    "a source that must stop takes all that was written, though its log is full and memory is "
    "short") {
  FifoSources f(1 * MiB, 1, 128 * KiB, 16 * MiB);
  Writer writer(f.path());
  std::uint64_t sent = 0;
  for (bool full = false; !full; full = f.accept() == worker::Turn::full) {
    for (int i = 0; i < 3; ++i, ++sent) writer.write(framed(std::string(997, 'x')));
  }
  CHECK(f.sources[0]->intake.log().waits_for_arena());
  f.sources[0]->feed.begin_stop();
  for (int i = 0; i < 30; ++i, ++sent) writer.write(framed(std::string(997, 'x')));
  f.accept_last();
  CHECK(f.counters().accepted == sent);
  CHECK(f.counters().truncated == 0);
  CHECK(f.take().size() == sent);
}

TEST_CASE(
    "after the last bytes nothing can be written, and a writer that waits is refused when the hub "
    "has gone") {
  FifoSources f;
  std::optional<Writer> writer(f.path());
  f.accept_last();
  const auto page = framed("late");
  CHECK(::write(writer->fd(), page.data(), page.size()) == -1);
  CHECK(errno == EAGAIN);
  f.sources.clear();
  ::signal(SIGPIPE, SIG_IGN);
  CHECK(::write(writer->fd(), page.data(), page.size()) == -1);
  CHECK(errno == EPIPE);
}

TEST_CASE("a writer that must be refused may be quick: all that it wrote is taken") {
  FifoSources f(64 * MiB);
  const auto path = f.path();
  std::uint64_t written = 0;
  std::thread writing([&] {
    ::signal(SIGPIPE, SIG_IGN);
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    const auto message = framed(std::string(100, 'x'));
    while (::write(fd.get(), message.data(), message.size()) ==
           static_cast<ssize_t>(message.size()))
      ++written;
  });
  while (f.counters().accepted < 1000) f.accept();
  f.accept_last();
  CHECK(f.sources[0]->feed.is_sealed());
  const auto accepted = f.counters().accepted;
  f.deliveries.clear();
  f.sources.clear();
  writing.join();
  CHECK(accepted == written);
}

TEST_CASE(
    "a source that must stop inside a frame whose rest does not come counts that, or keeps a part "
    "of a length") {
  for (const std::size_t came : {1u, 3u, 4u, 7u}) {
    FifoSources f;
    Writer writer(f.path());
    writer.write(framed("0123456789").substr(0, came));
    f.accept();
    f.accept_last();
    CHECK(f.counters().truncated == (came < 4 ? 0 : 1));
    CHECK(f.counters().discarded_bytes == (came < 4 ? 0 : came));
    const auto note = f.sources[0]->feed.stop_note();
    CHECK(note.head_bytes == (came < 4 ? came : 0));
    CHECK(note.skip == (came < 4 ? 0 : 14 - came));
  }
}

TEST_CASE(
    "the next hub takes exactly the rest of a frame that the last one abandoned for no message") {
  const auto frame = framed("0123456789");
  for (std::size_t came = 1; came < frame.size(); ++came) {
    FifoSources f;
    Writer writer(f.path());
    writer.write(framed("first") + frame.substr(0, came));
    f.accept();
    f.next_hub();
    writer.write(frame.substr(came) + framed("good"));
    f.accept();
    CHECK(f.take() == (came < 4 ? Payloads{"0123456789", "good"} : Payloads{"good"}));
    CHECK(f.counters().bad_frame == 0);
  }
}

TEST_CASE("a frame whose writer left is owed by nobody: the next hub skips nothing") {
  for (const bool leaves_before : {true, false}) {
    FifoSources f;
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

TEST_CASE(
    "a source that was discarding when the hub stopped continues with that, as long as its writers "
    "stay") {
  FifoSources f;
  std::optional<Writer> writer(f.path());
  writer->write("hello, plain text");
  f.accept();
  CHECK(f.counters().bad_frame == 1);
  f.next_hub();
  writer->write(framed("not trusted"));
  f.accept();
  CHECK(f.take().empty());
  CHECK(f.counters().bad_frame == 0);
  writer.reset();
  f.writers_left();
  Writer(f.path()).write(framed("good"));
  f.accept();
  CHECK(f.take() == Payloads{"good"});
}

TEST_CASE("what a worker took last before it died is not taken again by the next one") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(framed("one"));
  f.accept_last();
  f.crash();
  f.accept_last();
  CHECK(f.sources[0]->feed.is_sealed());
  CHECK(f.take() == Payloads{"one"});
  CHECK(f.counters().discarded_bytes == 0);
}

TEST_CASE(
    "a worker that dies after the seal, before it has looked at what it took, loses none of it") {
  FifoSources f;
  Writer writer(f.path());
  writer.write(framed("one") + framed("two"));
  const auto child = fork_with(*f.keeping);
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    ::close(STDERR_FILENO);
    ::close(f.stage.read_end.get());  // the first thing that it needs after the seal
    f.sources[0]->feed.accept_last(f.sources[0]->intake, 7777, Nanoseconds(0));
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGABRT);
  f.crash();
  CHECK_FALSE(f.sources[0]->feed.is_sealed());
  f.accept_last();
  CHECK(f.sources[0]->feed.is_sealed());
  CHECK(f.take() == Payloads{"one", "two"});
  CHECK(f.counters().truncated == 0);
}
