// SPDX-License-Identifier: Apache-2.0
#include "deliver/output_fifo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <string>

#include "base/failure.h"
#include "base/limits.h"
#include "deliver/fifo_kit.h"
#include "temporary_folder.h"

using namespace standpipe;
using deliver::OutputFifo;
using test::Reader;

namespace {

// A FIFO of the test's own. Verbs: made, put (bytes into it), left (by a dead reader).
class Fixture {
 public:
  OutputFifo made(bool create = true) const {
    return OutputFifo({.path = path, .create = create}, 0);
  }
  static void put(const OutputFifo& fifo, const std::string& bytes) {
    REQUIRE(::write(fifo.fd(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  OutputFifo::Left left(OutputFifo& fifo, const std::string& ours) {
    return fifo.peek_left(stage, [&](auto bytes) {
      return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) == ours;
    });
  }

  test::TemporaryFolder folder;
  std::string path = folder / "out";
  deliver::Stage stage{64 * KiB};
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a FIFO is made, and opened once somebody reads it") {
  auto fifo = made();
  CHECK(fifo.created());
  CHECK_FALSE(fifo.open());
  CHECK_FALSE(fifo.is_open());
  const Reader reader(path);
  CHECK(fifo.open());
  CHECK(fifo.capacity() >= 4096);
  CHECK(fifo.has_reader());
}

TEST_CASE_METHOD(Fixture, "a reader that leaves is seen, and so is the next one") {
  auto fifo = made();
  {
    const Reader reader(path);
    REQUIRE(fifo.open());
  }
  CHECK_FALSE(fifo.has_reader());
  const Reader next(path);
  CHECK(fifo.has_reader());
}

TEST_CASE_METHOD(Fixture, "a FIFO that is missing and not to be made is refused") {
  CHECK_THROWS_AS(made(false), Failure);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  auto fifo = made(false);
  CHECK_FALSE(fifo.created());
  std::remove(path.c_str());
  CHECK_FALSE(fifo.make_again());
}

TEST_CASE_METHOD(Fixture, "a FIFO that was removed is made again, and then it is another one") {
  auto fifo = made();
  const Reader reader(path);
  REQUIRE(fifo.open());
  CHECK_FALSE(fifo.was_replaced());
  std::remove(path.c_str());
  CHECK(fifo.named() == source::Named::nothing);
  CHECK(fifo.make_again());
  CHECK(fifo.was_replaced());
}

TEST_CASE_METHOD(Fixture,
                 "a file in the place of the FIFO cannot be opened, and keeps its content") {
  auto fifo = made();
  const Reader reader(path);
  REQUIRE(fifo.open());
  std::remove(path.c_str());
  std::ofstream(path) << "text";
  CHECK_THROWS_AS(fifo.open(), Failure);
  CHECK(fifo.named() == source::Named::no_fifo);
}

TEST_CASE_METHOD(Fixture,
                 "a FIFO that its mode opens to others is known as such, to the next worker too") {
  for (const mode_t mode : {0600, 0620, 0602}) {
    std::remove(path.c_str());
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    OutputFifo fifo({.path = path, .trust_others = true}, 0);
    const Reader reader(path);
    REQUIRE(fifo.open());
    CHECK(fifo.is_open_to_others() == (mode != 0600));
    OutputFifo next({.path = path, .trust_others = true}, 0, false);
    next.adopt(Fd(::dup(fifo.fd())));
    CHECK(next.is_open_to_others() == (mode != 0600));
    CHECK(next.id() == fifo.id());
  }
}

TEST_CASE_METHOD(Fixture, "what a dead reader left is looked at, and stays until it is discarded") {
  stage.make();
  auto fifo = made();
  {
    const Reader reader(path);
    REQUIRE(fifo.open());
    put(fifo, "left unread");
  }
  const Reader keeps(path);  // without one, the kernel would drop it
  CHECK(left(fifo, "left unread").bytes == 11);
  CHECK(fifo.waiting() == 11);
  const auto theirs = left(fifo, "something else");
  CHECK(theirs.foreign);
  CHECK(theirs.bytes == 0);
  fifo.discard(5);
  CHECK(fifo.waiting() == 6);
  fifo.discard(100);
  CHECK(fifo.waiting() == 0);
  CHECK(left(fifo, "").bytes == 0);
}
