// SPDX-License-Identifier: Apache-2.0
#include "source/fifo_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "base/limits.h"
#include "temporary_folder.h"

using namespace standpipe;
using source::After, source::FifoSource, source::Until;

namespace {

// One FIFO, its reader, and a stage. Verbs: write, turn, staged (what came).
class Fixture {
 public:
  Fd open_writer() const { return Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)); }
  void write(const std::string& text) const {
    REQUIRE(::write(writer.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  After turn(std::size_t most, Until until = Until::empty) {
    const auto got = fifo.splice_to(stage, most, until);
    CHECK(got.error == 0);
    CHECK(bytes_waiting(stage.read_end.get()) == got.bytes);
    bytes = got.bytes;
    source::discard_stage(stage, dev_null.get());
    CHECK(bytes_waiting(stage.read_end.get()) == 0);
    return got.after;
  }

  // To one page.
  void make_stage_small() const {
    REQUIRE(::fcntl(stage.write_end.get(), F_SETPIPE_SZ, 4096) == 4096);
  }

  test::TemporaryFolder folder;
  std::string path = folder / "in";
  FifoSource fifo{source::SourceOptions{.name = "in", .path = path}};
  Pipe stage = Pipe::make(64 * KiB);
  Fd dev_null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  Fd writer = open_writer();
  std::size_t bytes = 0;  // of the last turn
};

}  // namespace

TEST_CASE_METHOD(
    Fixture,
    "a turn that empties the FIFO is the last for now, and one that took its most is not") {
  CHECK(turn(100) == After::emptied);
  CHECK(bytes == 0);
  write("0123456789");
  CHECK(turn(100) == After::emptied);
  CHECK(bytes == 10);
  write("0123456789");
  CHECK(turn(10) == After::more);  // nobody has looked behind it
  CHECK(turn(10) == After::emptied);
  CHECK(bytes == 0);
}

TEST_CASE_METHOD(Fixture, "what a small stage leaves in the FIFO is there for another turn") {
  make_stage_small();
  write(std::string(10'000, 'x'));
  CHECK(turn(100'000) == After::more);
  CHECK(bytes == 4096);
}

TEST_CASE_METHOD(Fixture,
                 "that the writers have gone is seen when nothing is left, and not before") {
  CHECK(fifo.has_writer());
  write("rest");
  writer.reset();
  CHECK(turn(100) == After::emptied);
  CHECK(bytes == 4);
  CHECK(turn(100) == After::closed);
  CHECK_FALSE(fifo.has_writer());
}

TEST_CASE_METHOD(Fixture, "after a hang-up a turn is the last only when the end was seen") {
  write("rest");
  writer.reset();
  CHECK(turn(100, Until::closed) == After::more);
  CHECK(turn(100, Until::closed) == After::closed);
  writer = open_writer();
  CHECK(turn(100, Until::closed) == After::emptied);  // somebody else has come
}

TEST_CASE_METHOD(Fixture, "after much there is another turn, without a look at what is left") {
  write(std::string(64 * KiB, 'x'));
  CHECK(turn(100'000) == After::more);
  CHECK(bytes == 64 * KiB);
  CHECK(turn(100'000) == After::emptied);
  write(std::string(64 * KiB - 1, 'x'));
  CHECK(turn(100'000) == After::emptied);
}

TEST_CASE_METHOD(Fixture, "a polled turn leaves what is less than what came") {
  make_stage_small();
  write(std::string(7000, 'x'));
  CHECK(turn(100'000, Until::gathered) == After::emptied);
  CHECK(bytes == 4096);
  write(std::string(7000, 'x'));
  CHECK(turn(100'000, Until::gathered) == After::more);
}

TEST_CASE_METHOD(Fixture, "a descriptor that an earlier worker had is used as it is") {
  write("kept");
  FifoSource next({.name = "in", .path = folder / "elsewhere"}, Fd(::dup(fifo.fd())));
  CHECK_FALSE(next.created());
  CHECK(next.waiting() == 4);
  CHECK(next.id() == fifo.id());
  CHECK(::access((folder / "elsewhere").c_str(), F_OK) != 0);
}

TEST_CASE_METHOD(Fixture, "the stage is read whole, and packets in it are noticed") {
  std::string room(10, '\0');
  const auto read = [&] {
    return source::read_stage(stage, std::as_writable_bytes(std::span(room)));
  };
  REQUIRE(::write(stage.write_end.get(), "0123456789", 10) == 10);
  CHECK(read());
  CHECK(room == "0123456789");
  REQUIRE(::fcntl(stage.write_end.get(), F_SETFL, O_NONBLOCK | O_DIRECT) == 0);
  REQUIRE(::write(stage.write_end.get(), "abcde", 5) == 5);
  REQUIRE(::write(stage.write_end.get(), "fghij", 5) == 5);
  CHECK_FALSE(read());
  CHECK(room == "abcdefghij");
}
