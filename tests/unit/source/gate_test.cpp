// SPDX-License-Identifier: Apache-2.0
#include "source/gate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <optional>
#include <string>

#include "base/limits.h"
#include "temporary_folder.h"

using namespace standpipe;

namespace {

struct Gate {
  test::TemporaryFolder folder;
  std::string path = folder / "fifo";
  Fd reader = made();
  Pipe stage = Pipe::make(1 * MiB);
  Fd dev_null{::open("/dev/null", O_WRONLY | O_CLOEXEC)};

  Fd made() const {
    REQUIRE(::mkfifo(path.c_str(), 0620) == 0);
    REQUIRE(::chmod(path.c_str(), 0620) == 0);
    return Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  Fd writer() const { return Fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)); }
};

ssize_t put(const Fd& fd, const std::string& text) {
  return ::write(fd.get(), text.data(), text.size());
}

}  // namespace

TEST_CASE_METHOD(
    Gate, "a closed FIFO is seen by its mode, and gets the one it had, by descriptor or by path") {
  CHECK(source::mode_of(reader.get()) == 0620u);
  CHECK_FALSE(source::is_closed(path));
  CHECK_FALSE(source::open_again(path, 0600));
  CHECK(source::set_mode(reader.get(), 0));
  CHECK(source::is_closed(path));
  CHECK_FALSE(source::mode_of(reader.get()));
  CHECK(source::open_again(path, 0620));
  CHECK(source::mode_of(reader.get()) == 0620u);
}

TEST_CASE_METHOD(Gate,
                 "an empty FIFO is sealed by one page: nothing is written after it, by nobody") {
  const auto other = writer();
  REQUIRE(put(other, "seen") == 4);
  source::Seal seal(reader.get(), 42);
  REQUIRE(seal.possible());
  CHECK_FALSE(seal.set());
  char seen[4];
  REQUIRE(::read(reader.get(), seen, 4) == 4);
  CHECK(seal.set());
  CHECK(put(other, "x") == -1);
  CHECK(errno == EAGAIN);
  CHECK(source::seal_of(reader.get(), stage) == 42u);
  CHECK(bytes_waiting(stage.read_end.get()) == 0);
}

TEST_CASE_METHOD(Gate, "what is more than a page is no hindrance once it was read") {
  const auto other = writer();
  REQUIRE(put(other, std::string(20'000, 'x')) == 20'000);
  source::Seal seal(reader.get(), 42);
  CHECK_FALSE(seal.set());
  std::string seen(20'000, ' ');
  REQUIRE(::read(reader.get(), seen.data(), seen.size()) == 20'000);
  CHECK(seal.set());
}

TEST_CASE_METHOD(Gate,
                 "a FIFO that cannot be sealed yet is made as small as its content, so that it is "
                 "not refilled") {
  const auto other = writer();
  REQUIRE(::fcntl(reader.get(), F_SETPIPE_SZ, 64 * 1024) == 64 * 1024);
  REQUIRE(put(other, std::string(16 * 1024, 'x')) == 16 * 1024);
  source::Seal seal(reader.get(), 42);
  CHECK_FALSE(seal.set());
  CHECK(::fcntl(reader.get(), F_GETPIPE_SZ) == 16 * 1024);
  CHECK(put(other, "x") == -1);
}

TEST_CASE_METHOD(Gate,
                 "the seal lasts as long as somebody has the FIFO open, and can be taken out") {
  std::optional<Fd> other(writer());
  {
    source::Seal seal(reader.get(), 42);
    REQUIRE(seal.set());
  }
  reader.reset();
  reader.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  CHECK(source::seal_of(reader.get(), stage) == 42u);
  source::break_seal(reader.get(), 0, stage, dev_null.get());
  CHECK(bytes_waiting(reader.get()) == 0);
  CHECK(put(*other, std::string(60'000, 'x')) == 60'000);
  other.reset();
  reader.reset();
  reader.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  CHECK_FALSE(source::seal_of(reader.get(), stage));
}

TEST_CASE_METHOD(Gate, "a page of something else is no seal") {
  const auto other = writer();
  REQUIRE(put(other, std::string(source::kSealBytes, 'x')) ==
          static_cast<ssize_t>(source::kSealBytes));
  CHECK_FALSE(source::seal_of(reader.get(), stage));
  CHECK(bytes_waiting(reader.get()) == source::kSealBytes);
  CHECK(bytes_waiting(stage.read_end.get()) == 0);
}
