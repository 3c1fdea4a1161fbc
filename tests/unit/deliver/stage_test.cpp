// SPDX-License-Identifier: Apache-2.0
#include "deliver/stage.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <string>
#include <vector>

#include "base/limits.h"

using namespace standpipe;
using deliver::Stage;

namespace {

// A stage before a pipe that stands for the FIFO. Verbs: add, read (what came out).
class Fixture {
 public:
  Fixture() { stage.make(); }
  std::size_t add(std::string text) {
    const iovec piece{text.data(), text.size()};
    return stage.add({&piece, 1});
  }
  std::string read() const {
    std::string bytes(1 * MiB, '\0');
    const auto n = ::read(fifo.read_end.get(), bytes.data(), bytes.size());
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }
  void fill(const Pipe& pipe, const std::string& text) const {
    REQUIRE(::write(pipe.write_end.get(), text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
  }
  Stage::Pushed push() { return stage.push_to(fifo.write_end.get()); }

  Pipe fifo = Pipe::make(64 * KiB), from = Pipe::make(64 * KiB);
  Stage stage{64 * KiB};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what is added is pushed, in order") {
  CHECK(add("one") == 3);
  CHECK(add("two") == 3);
  CHECK(stage.staged() == 6);
  CHECK(push().bytes == 6);
  CHECK(read() == "onetwo");
  CHECK(stage.staged() == 0);
}

TEST_CASE_METHOD(Fixture, "a full stage takes what finds room, and says how much") {
  const auto capacity = stage.capacity();
  CHECK(add(std::string(capacity + 100, 'x')) == capacity);
  CHECK(stage.room() == 0);
  CHECK(add("more") == 0);
  CHECK(stage.staged() == capacity);
}

TEST_CASE_METHOD(Fixture, "what a full FIFO does not take stays in the stage") {
  fill(fifo, std::string(60 * KiB, 'a'));
  add(std::string(20 * KiB, 'b'));
  const auto pushed = push();
  CHECK(pushed.bytes < 20 * KiB);
  CHECK(pushed.error == 0);
  CHECK_FALSE(pushed.reader_gone);
  CHECK(stage.staged() == 20 * KiB - pushed.bytes);
  CHECK(stage.waiting() == stage.staged());
}

TEST_CASE_METHOD(Fixture,
                 "a FIFO without a reader is distinguished from one that cannot be written to") {
  ::signal(SIGPIPE, SIG_IGN);
  add("one");
  CHECK(stage.push_to(fifo.read_end.get()).error == EBADF);
  fifo.read_end.reset();
  const auto pushed = push();
  CHECK(pushed.reader_gone);
  CHECK(pushed.error == 0);
  CHECK(stage.staged() == 3);
}

TEST_CASE_METHOD(Fixture, "what was prefetched is pushed when it was committed, and not before") {
  add("one");
  fill(from, "two");
  stage.prefetch(from, 100);
  CHECK(stage.prefetch_copy(std::as_bytes(std::span("three", 5))) == 5);
  CHECK(stage.prefetched() == 8);
  CHECK(push().bytes == 3);
  CHECK(read() == "one");
  stage.commit(3);
  CHECK(push().bytes == 3);
  CHECK(read() == "two");
  CHECK(stage.prefetched() == 5);
  CHECK(bytes_waiting(from.read_end.get()) == 3);  // the relay's pipe keeps them
}

TEST_CASE_METHOD(Fixture, "an emptied stage has room for all again") {
  add("one");
  fill(from, "two");
  stage.prefetch(from, 100);
  stage.empty();
  CHECK(stage.waiting() == 0);
  CHECK(stage.staged() + stage.prefetched() == 0);
  CHECK(stage.room() == stage.capacity());
}

TEST_CASE_METHOD(Fixture, "a peek takes nothing, and leaves the stage empty") {
  fill(from, "left");
  const auto seen = stage.peek(from.read_end.get());
  CHECK(std::string(reinterpret_cast<const char*>(seen.data()), seen.size()) == "left");
  CHECK(bytes_waiting(from.read_end.get()) == 4);
  CHECK(stage.waiting() == 0);
  CHECK(stage.peek(fifo.read_end.get()).empty());
}

TEST_CASE_METHOD(Fixture, "the next worker finds in the pipe what was staged") {
  add("one");
  Stage next(0);
  next.adopt(Fd(::dup(stage.read_end())), Fd(::dup(stage.write_end())));
  CHECK(next.capacity() == stage.capacity());
  CHECK(next.waiting() == 3);
  CHECK(next.staged() == 0);
}

TEST_CASE_METHOD(Fixture, "so many bytes of a pipe are discarded, or all") {
  fill(from, std::string(50'000, 'x'));
  deliver::discard_from(from.read_end.get(), 100);
  CHECK(bytes_waiting(from.read_end.get()) == 49'900);
  deliver::discard_from(from.read_end.get(), 1 * GiB);
  CHECK(bytes_waiting(from.read_end.get()) == 0);
}
